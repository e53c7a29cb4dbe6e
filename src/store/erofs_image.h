/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing an EROFS image in one pass, as files come: their data goes out block after block, their inodes into blocks of
 * metadata between it, with what is left of the last data block behind the inode where it fits. So nothing of a file
 * has to be kept; only directories, of which more may come, are placed at the end. Which bytes stand where depends on
 * what was written and on nothing else.
 *
 *   block 0: superblock, root directory's inode    data ... inodes, tails ... data ...    directories
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/erofs_format.h"

struct erofs_meta_block;

enum { EROFS_OPEN_BLOCKS = 16 };

struct erofs_image {
        int fd;
        uint64_t blocks; /* how many are given out */
        uint64_t inodes;
        bool has_chunks;
        char *window; /* data that is not yet written: of the blocks [window_at, blocks) */
        uint64_t window_at;
        size_t window_len;
        struct erofs_meta_block *open[EROFS_OPEN_BLOCKS]; /* of metadata, with room left */
};

/* What an inode says of itself; mode with the file's type. */
struct erofs_attributes {
        uint32_t mode, uid, gid, device, nlink;
        int64_t mtime;
        uint32_t mtime_nsec;
        const struct buf *xattrs; /* made by erofs_xattr_add(); NULL or empty: none */
};

/* A file whose data comes. */
struct erofs_file {
        uint64_t first, size;
        char tail[EROFS_BLOCK];
        size_t tail_len;
};

/* fd: an empty file, open for reading and writing; it stays the caller's. */
int erofs_image_begin(struct erofs_image *im, int fd, struct error *err);
void erofs_image_finish(struct erofs_image *im);

/* Between begin and end of a file nothing else is written. */
void erofs_file_begin(struct erofs_image *im, struct erofs_file *f);
int erofs_file_write(struct erofs_image *im, struct erofs_file *f, const void *data, size_t n, struct error *err);
int erofs_file_end(struct erofs_image *im, const struct erofs_file *f, const struct erofs_attributes *a,
                   uint64_t *ret_nid, struct error *err);

/* An inode with no data but what is given (a symlink's target), or none. */
int erofs_node_write(struct erofs_image *im, const struct erofs_attributes *a, const void *data, size_t n,
                     uint64_t *ret_nid, struct error *err);

/*
 * A file with holes, in chunks of a size that keeps their map small: those in which something was written lie one
 * behind the other, what lies beside it in them is a hole of the image's own file. Offsets in any order, none past
 * `size`.
 */
struct erofs_sparse {
        uint64_t size, n_chunks;
        unsigned chunk_bits;
        uint32_t *map; /* first block of each chunk, little endian */
};
int erofs_sparse_begin(struct erofs_image *im, struct erofs_sparse *s, uint64_t size, struct error *err);
int erofs_sparse_write(struct erofs_image *im, struct erofs_sparse *s, uint64_t offset, const void *data, size_t n,
                       struct error *err);
int erofs_sparse_end(struct erofs_image *im, const struct erofs_sparse *s, const struct erofs_attributes *a,
                     uint64_t *ret_nid, struct error *err);
void erofs_sparse_finish(struct erofs_sparse *s);
#define own_erofs_sparse __attribute__((cleanup(erofs_sparse_finish)))

/*
 * Directories in two steps: all are placed, by the size of their content, then written, by which time all node numbers
 * are known. The root's place is fixed.
 */
struct erofs_place {
        uint64_t nid, first; /* first: block of the data that is not behind the inode */
        enum erofs_layout layout;
};
int erofs_directory_place(struct erofs_image *im, bool root, uint64_t size, const struct buf *xattrs,
                          struct erofs_place *ret, struct error *err);
int erofs_directory_write(struct erofs_image *im, const struct erofs_place *p, const struct erofs_attributes *a,
                          const void *content, uint64_t size, struct error *err);

/* Another link to a node that is written already. */
int erofs_nlink_write(struct erofs_image *im, uint64_t nid, uint32_t nlink, struct error *err);

/* The superblock; then the image is complete. */
int erofs_image_end(struct erofs_image *im, uint64_t root_nid, const uint8_t uuid[16], struct error *err);

/*
 * Appends an extended attribute; names of other namespaces than user., trusted., security. and the two POSIX ACLs have
 * no place in EROFS and are left out. -EINVAL: too long; -E2BIG: more than an inode can have.
 */
int erofs_xattr_add(struct buf *xattrs, const char *name, const void *value, size_t len);
