/* SPDX-License-Identifier: Apache-2.0 */
/* Reading files of an image that erofs_image.h has written, by their node numbers, without mounting it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "store/erofs_format.h"

struct erofs_view {
        int fd;
        uint64_t size, behind; /* behind: offset of what follows the inode: a tail, or the map of chunks */
        uint32_t first;        /* block */
        enum erofs_layout layout;
        unsigned chunk_bits;
};

/* fd stays the caller's. -EBADMSG: there is no such node, or one that we would not have written. */
int erofs_view_open(struct erofs_view *v, int fd, uint64_t nid, struct error *err);
/* The same for who wants more of the inode. */
int erofs_view_open_inode(struct erofs_view *v, int fd, uint64_t nid, struct erofs_inode *ret_inode, struct error *err);

/* Reads n bytes at the offset, holes as zeros; all of them, or an error. */
int erofs_view_read(const struct erofs_view *v, uint64_t offset, void *data, size_t n, struct error *err);

/* From the offset (inside the file) on: how many bytes lie in one piece, or are nowhere. */
int erofs_view_run(const struct erofs_view *v, uint64_t offset, uint64_t *ret_n, bool *ret_hole, struct error *err);
