/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a layer while it is written: which directory holds which name for which node. Of a node that is written
 * already only its number is kept, so a million entries take some 100 MB.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/erofs_image.h"

enum { TREE_ROOT = 0 }; /* the directory that is always there */
#define TREE_NONE UINT32_MAX

struct tree_node {
        uint64_t nid;
        uint32_t nlink; /* of all but directories */
        uint32_t more;  /* EROFS_DIRECTORY: its directory; EROFS_SYMLINK: its target's place in names */
        uint8_t type;   /* EROFS_FILE ... */
        bool whiteout;  /* hides what layers below have of that name */
};

struct tree_name {
        uint32_t directory, text, node, next; /* text: place in names; next: of the same directory */
};

struct tree_directory {
        uint32_t node, parent, first, count, subdirectories;
        bool opaque; /* hides all that layers below have in it */
        struct erofs_attributes attributes;
        struct buf xattrs;
        struct erofs_place place;
        uint64_t size;
};

struct layer_tree {
        struct tree_node *nodes;
        struct tree_name *names;
        struct tree_directory *directories;
        char *texts;     /* all names and symlinks' targets, each with a NUL */
        uint32_t *table; /* of names, by directory and text; open addressing */
        size_t n_nodes, n_names, n_directories, texts_len;
        size_t nodes_cap, names_cap, directories_cap, texts_cap, table_size;
        uint64_t seed; /* nobody can make an archive whose names all collide */
};

int layer_tree_init(struct layer_tree *t);
void layer_tree_finish(struct layer_tree *t);

/* The index of the name in the directory, or TREE_NONE. */
uint32_t layer_tree_find(const struct layer_tree *t, uint32_t directory, const char *name, size_t len);

/* Puts the node there, in the place of whatever has that name. -ENOMEM. */
int layer_tree_put(struct layer_tree *t, uint32_t directory, const char *name, size_t len, uint32_t node);

/* A new node; target of a symlink, else NULL. Its index, or -ENOMEM. */
int64_t layer_tree_add_node(struct layer_tree *t, uint8_t type, uint64_t nid, const char *target);
/* A new, empty directory, not yet named: its index, or -ENOMEM. It belongs to root, mode 0755, from 1970. */
int64_t layer_tree_add_directory(struct layer_tree *t, uint32_t parent);

/*
 * Finds where `path` of an archive belongs: the directory and the last component (in `path`; "" for the root itself).
 * It is relative to the root however it begins; symlinks on the way are followed inside of it; directories that are
 * missing are made. ".." is refused: nobody needs it but for ways out.
 */
int layer_tree_walk(struct layer_tree *t, const char *path, uint32_t *ret_directory, const char **ret_name,
                    size_t *ret_len, struct error *err);

static inline const char *layer_tree_text(const struct layer_tree *t, uint32_t text)
{
        return t->texts + text;
}
