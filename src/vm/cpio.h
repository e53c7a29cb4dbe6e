/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives as the kernel unpacks them at boot: cpio, "newc" (Linux Documentation/driver-api/early-userspace/
 * buffer-format.rst). Everything belongs to root and is as old as the epoch, so that equal content is equal bytes.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

/* Appends a regular file or, with S_IFDIR in the mode and no data, a directory. name: without a leading slash. */
void cpio_add(struct buf *out, const char *name, mode_t mode, const void *data, size_t len);
/* A device node. */
void cpio_add_device(struct buf *out, const char *name, mode_t mode, unsigned major, unsigned minor);
/* Ends the archive. */
void cpio_end(struct buf *out);
