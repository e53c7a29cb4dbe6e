/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to make the archive again, byte for byte, of the layer that was made of it: the bytes that are no file's data
 * (headers, padding), and where in the image the rest stands. Compressed (zstd) it is about a thousandth of the
 * archive.
 *
 *   the file is one zstd stream of: "holt tar recipe 1\n", then records
 *   'B' n bytes             these bytes
 *   'D' nid n               the first n bytes of that file
 *   'E' nid n (offset n)*   n pieces of that file
 *   'Z'                     the end
 *
 * Numbers are LEB128. A recipe belongs to the store, beside its image; it is checked all the same.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/tar.h"

struct tar_recipe_writer;

/* fd: an empty file; it stays the caller's. NULL without memory. */
struct tar_recipe_writer *tar_recipe_writer_new(int fd);
void tar_recipe_writer_free(struct tar_recipe_writer *w);

static inline void tar_recipe_writer_free_(struct tar_recipe_writer **w)
{
        tar_recipe_writer_free(*w);
}
#define own_tar_recipe_writer __attribute__((cleanup(tar_recipe_writer_free_)))

int tar_recipe_add_bytes(struct tar_recipe_writer *w, const void *data, size_t n, struct error *err);
int tar_recipe_add_file(struct tar_recipe_writer *w, uint64_t nid, uint64_t size, struct error *err);
int tar_recipe_add_extents(struct tar_recipe_writer *w, uint64_t nid, const struct tar_extent *extents, size_t n,
                           struct error *err);
/* The recipe is complete, though not yet synced. */
int tar_recipe_end(struct tar_recipe_writer *w, struct error *err);

/* Gets all n bytes; 0 or an error. */
typedef int (*tar_write)(void *userdata, const void *data, size_t n, struct error *err);

/* Writes the archive from a recipe and its image. The offsets of both descriptors are left alone: others may have them
 * too. */
int tar_recipe_follow(int recipe, int image, tar_write write, void *userdata, struct error *err);
