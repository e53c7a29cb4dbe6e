/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree in an image that erofs_image.h has written, without mounting it. Nothing in it is believed: what does not
 * lie where it says is -EBADMSG, and so is what could be read twice (below).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/erofs_read.h"

struct erofs_tree {
        int fd; /* the caller's */
        uint64_t root;
        /*
         * How many bytes of the image (names, data, attributes) are still to be told. Each lies in it for one node
         * alone: an image that has them told again (a directory in itself, a thousand large files in one place) has
         * none left at some point. So no node may be told twice.
         */
        uint64_t left;
};

struct erofs_node {
        uint64_t nid;
        uint32_t mode, uid, gid, nlink, device; /* device: as the kernel's new_encode_dev() has it */
        int64_t mtime;
        uint32_t mtime_nsec;
        uint64_t xattrs; /* where they and their header stand */
        size_t xattrs_len;
        struct erofs_view data;
};

int erofs_tree_open(struct erofs_tree *t, int fd, struct error *err);

int erofs_node_open(struct erofs_tree *t, uint64_t nid, struct erofs_node *ret, struct error *err);

/* Calls each() with every attribute, its name whole ("user.x"); the value is not NUL-terminated. Ends with the first
 * that is not 0. */
int erofs_node_xattrs(struct erofs_tree *t, const struct erofs_node *node,
                      int (*each)(void *userdata, const char *name, const void *value, size_t len, struct error *err),
                      void *userdata, struct error *err);

/* The text of a symlink, malloc'ed. */
int erofs_node_link(struct erofs_tree *t, const struct erofs_node *node, char **ret, struct error *err);

/*
 * Reads what a file has from the offset on: whatever there is up to n, at least one byte; *ret_n. A hole is told by
 * its length, which n does not limit, and nothing is read. At the end: *ret_n 0.
 */
int erofs_node_read(struct erofs_tree *t, const struct erofs_node *node, uint64_t offset, void *data, size_t n,
                    uint64_t *ret_n, bool *ret_hole, struct error *err);

struct erofs_name {
        char text[EROFS_MAX_NAME + 1]; /* no slash in it, neither "." nor ".." */
        uint64_t nid;
};

/* Where one is in a directory. Zeroed: at its beginning. */
struct erofs_cursor {
        uint64_t block; /* the next */
        size_t entry, entries, len;
        char data[EROFS_BLOCK];
};

/* The next name: 1, 0 at the end, or an error. */
int erofs_directory_next(struct erofs_tree *t, const struct erofs_node *node, struct erofs_cursor *c,
                         struct erofs_name *ret, struct error *err);
