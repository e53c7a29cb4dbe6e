/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of archives that we write: ustar, with a pax header before it where that has no room. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "store/tar.h"

/*
 * Appends the header of a file or directory that belongs to root, from 1970: the same name and size give the same
 * bytes. A file's data follows, then as many zeros as make it a multiple of TAR_BLOCK.
 */
void tar_write_header(struct buf *out, enum tar_type type, const char *name, uint64_t size);

/* Appends the end of an archive. */
void tar_write_end(struct buf *out);
