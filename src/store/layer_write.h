/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer, as the OCI image-spec has it (layer.md: a tar archive with whiteouts), becomes an EROFS image that overlayfs
 * takes for a lower directory. Not one entry of the archive is written to a file system on the way.
 */
#pragma once

#include "base/error.h"
#include "store/erofs_image.h"
#include "store/layer_tree.h"
#include "store/tar.h"
#include "store/tar_recipe.h"

struct layer_writer {
        struct erofs_image image;
        struct layer_tree tree;
        struct buf xattrs;                /* of the entry at hand */
        uint32_t whiteout;                /* the node that all whiteouts share, or TREE_NONE */
        struct tar_recipe_writer *recipe; /* not ours; NULL: none */
};

/*
 * fd: an empty file, open for reading and writing; it stays the caller's. recipe: told where the files' data stands;
 * the tar reader has to tell it the rest. NULL: not wanted.
 */
int layer_writer_init(struct layer_writer *w, int fd, struct tar_recipe_writer *recipe, struct error *err);
void layer_writer_finish(struct layer_writer *w);
#define own_layer_writer __attribute__((cleanup(layer_writer_finish)))

/* Writes all entries of the archive. */
int layer_writer_add(struct layer_writer *w, struct tar_reader *tar, struct error *err);

/* Writes the directories and the superblock with this uuid; the image is complete, though not yet synced. */
int layer_writer_end(struct layer_writer *w, const uint8_t uuid[16], struct error *err);
