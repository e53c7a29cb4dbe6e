/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of files as a tar archive, made while it is read: by pieces, as tar.h wants them. Names are sorted: the same
 * tree gives the same bytes.
 *
 * The tree may be a stranger's, who changes it meanwhile: it is walked by descriptors, links are never followed, and
 * nothing but a regular file is opened (a device or a pipe would be enough to do harm by being opened).
 *
 * Left out: sockets, and the label of SELinux, which belongs to the host. What the kernel makes up (/proc, /sys) is
 * an empty directory, unless it is where the tree begins.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct tar_tree_options {
        int dir;          /* the caller's, as long as the tree is read */
        const char *name; /* in dir, not followed if it is a link; "": what dir is a descriptor of (O_PATH, any file) */
        const char *as;   /* its name in the archive: "etc"; ".": names begin with "./" */

        /*
         * It is the upper directory of an overlay: a layer (image-spec, layer.md) is made of it, in which whiteouts and
         * opaque directories are ".wh." files, and overlayfs's own attributes are left out.
         */
        bool overlay;
        /* Nobody changes it: what does change is an error. Else what is gone is left out, and what became shorter is
         * filled up with zeros. */
        bool stable;
};

struct tar_tree;

/* NULL without memory. The options are copied, the strings too. */
struct tar_tree *tar_tree_new(const struct tar_tree_options *o);
void tar_tree_free(struct tar_tree *t);

static inline void tar_tree_free_(struct tar_tree **t)
{
        tar_tree_free(*t);
}
#define own_tar_tree __attribute__((cleanup(tar_tree_free_)))

/* tar_read of tar.h: the next piece; 0 at the end, behind the archive's last blocks. userdata: the tree. */
ssize_t tar_tree_read(void *userdata, const void **ret, struct error *err);

/* All of it, to a descriptor. */
int tar_tree_write(const struct tar_tree_options *o, int to, struct error *err);

/* How many entries have been written. */
uint64_t tar_tree_entries(const struct tar_tree *t);
