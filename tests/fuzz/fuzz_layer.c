/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever archive comes: it is refused, or becomes a layer of which the same archive can be made again. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "store/layer_write.h"
#include "tar_sums.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
        const uint8_t *data;
        size_t size, at, told;
        struct tar_recipe_writer *recipe;
};

/* In pieces of odd sizes, as a pipe gives them. */
static ssize_t read_some(void *userdata, const void **ret, struct error *err)
{
        struct input *in = userdata;
        size_t left = in->size - in->at, k = left < 1337 ? left : 1337;

        *ret = in->data + in->at;
        in->at += k;
        return (ssize_t)k;
}

static int keep(void *userdata, const void *data, size_t n, struct error *err)
{
        struct input *in = userdata;

        return tar_recipe_add_bytes(in->recipe, data, n, err);
}

static int compare(void *userdata, const void *data, size_t n, struct error *err)
{
        struct input *in = userdata;

        if (n > in->size - in->told || memcmp(in->data + in->told, data, n) != 0)
                abort();
        in->told += n;
        return 0;
}

static void convert(const uint8_t *data, size_t size)
{
        static const uint8_t uuid[16];
        own_fd int layer = memfd_create("layer", MFD_CLOEXEC), recipe = memfd_create("recipe", MFD_CLOEXEC);
        own_tar_recipe_writer struct tar_recipe_writer *rw = tar_recipe_writer_new(recipe);
        struct input in = { .data = data, .size = size, .recipe = rw };
        own_tar_reader struct tar_reader *tar = tar_reader_new(read_some, keep, &in);
        own_layer_writer struct layer_writer w = {};
        struct error err = {};
        int r;

        if (!rw || !tar)
                return;
        r = layer_writer_init(&w, layer, rw, &err);
        if (r == 0)
                r = layer_writer_add(&w, tar, &err);
        if (r == 0)
                r = layer_writer_end(&w, uuid, &err);
        if (r == 0)
                r = tar_recipe_end(rw, &err);
        if (r < 0 && (r != -err.code || !*err.text))
                abort();
        if (r < 0)
                return;
        if (tar_recipe_follow(recipe, layer, compare, &in, &err) < 0 || in.told != size)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_mem uint8_t *mended = malloc(size ? size : 1);

        convert(data, size);
        if (!mended || !size)
                return 0;
        memcpy(mended, data, size);
        tar_mend_sums(mended, size);
        convert(mended, size);
        return 0;
}
