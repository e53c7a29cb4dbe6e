/* SPDX-License-Identifier: Apache-2.0 */
/* restore: the mounts that criu does not make by itself. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct launch;

/*
 * Makes the mount points that the root filesystem lacks, as the first start did, and appends criu's options: what is
 * bound where. Nothing stays mounted.
 */
int restore_prepare_mounts(struct launch *l, struct buf *opts, struct error *err);

/*
 * In the process that becomes criu: a mount namespace of its own in which the root filesystem is a mount point, which
 * criu wants. It vanishes with criu, however that ends.
 */
int restore_enter_mounts(const struct launch *l, struct error *err);

/* criu binds the host's /dev/null anew where it lay over files: read-only again (masks.c says why), before anything of
 * the container runs. */
int restore_masks(const struct launch *l, pid_t pid, struct error *err);
