/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine runs before it is anybody's: all steps of a start, as a job has them, with nothing of the instance. The
 * program is the agent's own file, which reads and maps one of the layer's, until the same has been executed beside
 * it.
 */
#pragma once

#include "base/buf.h"
#include "monitor/job.h"

/* An image of one layer, with an etc/passwd of some pages: the bytes of an EROFS file system. */
#define REHEARSAL_PROGRAM "/.rehearsal"
#define REHEARSAL_BESIDE "--rehearse-exec"
enum { REHEARSAL_LAYER = 8 << 12 };
void rehearsal_write_layer(unsigned char ret[REHEARSAL_LAYER]);

/* CONFIGURE and START's configuration: JSON. */
void rehearsal_write_guest(const struct monitor_job *j, struct buf *out);
void rehearsal_write_spec(const struct monitor_job *j, struct buf *out);
