/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the EROFS writer: places and bytes (erofs_image.c), for inodes (erofs_inode.c, erofs_sparse.c). */
#pragma once

#include <stdint.h>

#include "store/erofs_image.h"

/* The next `n` blocks, for whoever writes them. */
int erofs_blocks_take(struct erofs_image *im, uint64_t n, uint64_t *ret, struct error *err);
/* The next `n` blocks, with this data. */
int erofs_blocks_append(struct erofs_image *im, const void *data, size_t n, struct error *err);

/* Room for n bytes of metadata: inside of one block, or from the beginning of one when they are more. */
int erofs_meta_take(struct erofs_image *im, size_t n, uint64_t *ret_offset, struct error *err);
/* Writes into such room, not past the end of a block in which more was taken. */
int erofs_meta_put(struct erofs_image *im, uint64_t offset, const void *data, size_t n, struct error *err);

/* How many bytes the inode and its xattrs take. */
size_t erofs_inode_size(const struct buf *xattrs);

/* Writes the inode, its xattrs and n bytes behind them at the node's place. */
int erofs_inode_write(struct erofs_image *im, uint64_t nid, const struct erofs_attributes *a, enum erofs_layout layout,
                      uint64_t size, uint32_t place, const void *behind, size_t n, struct error *err);
