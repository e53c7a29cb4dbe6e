/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of archives that we write: ustar, with a pax header before it where that has no room. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "store/tar.h"

/*
 * Appends the headers of an entry, with all that it says. Of a sparse file e->size is not looked at, and its map (pax
 * 1.0) is appended as well. e->size bytes of data follow (those of all extents of a sparse file), then as many zeros as
 * make the archive a multiple of TAR_BLOCK.
 */
void tar_write_entry(struct buf *out, const struct tar_entry *e);

/* Of a file or directory that belongs to root, from 1970: the same name and size give the same bytes. */
void tar_write_header(struct buf *out, enum tar_type type, const char *name, uint64_t size);

/* Appends the zeros behind n bytes. */
void tar_write_padding(struct buf *out, uint64_t n);

/* Appends the end of an archive. */
void tar_write_end(struct buf *out);
