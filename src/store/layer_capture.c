/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer_capture.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "store/layer_write.h"

enum { UUID = 16 };

struct capture {
        struct tar_tree *tree;
        struct tar_recipe_writer *recipe;
        struct sha256 hash;
        uint64_t tar_size;
};

static ssize_t read_archive(void *userdata, const void **ret, struct error *err)
{
        struct capture *c = userdata;
        ssize_t n = tar_tree_read(c->tree, ret, err);

        if (n > 0) {
                sha256_add(&c->hash, *ret, (size_t)n);
                c->tar_size += (uint64_t)n;
        }
        return n;
}

static int keep(void *userdata, const void *data, size_t n, struct error *err)
{
        struct capture *c = userdata;

        return tar_recipe_add_bytes(c->recipe, data, n, err);
}

/* The same archive has the same image, to its last byte. */
static void uuid_of(const struct digest *diff_id, uint8_t ret[UUID])
{
        const char *hex = digest_hex(diff_id);

        for (size_t i = 0; i < UUID; i++)
                ret[i] = (uint8_t)(parse_digit(hex[2 * i]) << 4 | parse_digit(hex[2 * i + 1]));
}

static int write_layer(struct capture *c, int image, struct digest *ret, struct error *err)
{
        own_tar_reader struct tar_reader *tar = tar_reader_new(read_archive, keep, c);
        own_layer_writer struct layer_writer w = {};
        uint8_t uuid[UUID];
        int r = tar ? layer_writer_init(&w, image, c->recipe, err) : error_set(err, ENOMEM, "out of memory");

        if (r == 0)
                r = layer_writer_add(&w, tar, err);
        if (r < 0)
                return r;
        digest_end(&c->hash, ret);
        uuid_of(ret, uuid);
        r = layer_writer_end(&w, uuid, err);
        return r == 0 ? tar_recipe_end(c->recipe, err) : r;
}

int layer_capture(struct store *s, const struct tar_tree_options *o, struct layer_captured *ret, struct error *err)
{
        own_fd int image = store_new_file(s, err), recipe_fd = image < 0 ? -1 : store_new_file(s, err);
        own_tar_tree struct tar_tree *tree = tar_tree_new(o);
        own_tar_recipe_writer struct tar_recipe_writer *recipe = NULL;
        struct layer_info info = {};
        struct capture c = { .tree = tree };
        int r;

        if (image < 0 || recipe_fd < 0)
                return -err->code;
        recipe = c.recipe = tar_recipe_writer_new(recipe_fd);
        if (!tree || !recipe)
                return error_set(err, ENOMEM, "out of memory");
        sha256_init(&c.hash);
        r = write_layer(&c, image, &info.diff_id, err);
        if (r < 0)
                return r;
        info.tar_size = c.tar_size;
        r = store_layer_add(s, &info, image, recipe_fd, err);
        if (r < 0)
                return r;
        *ret = (struct layer_captured){ info.diff_id, c.tar_size, tar_tree_entries(tree), r };
        return 0;
}
