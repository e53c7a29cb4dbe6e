/* SPDX-License-Identifier: Apache-2.0 */
/* layer_from_tar LAYER [RECIPE]: the archive on standard input becomes a layer.
 * layer_from_tar -x LAYER RECIPE: the archive again, on standard output. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "store/layer_write.h"
#include "sys/fd.h"

struct input {
        struct tar_recipe_writer *recipe;
        char data[256 << 10];
};

static ssize_t read_stdin(void *userdata, const void **ret, struct error *err)
{
        struct input *in = userdata;
        ssize_t got = read(STDIN_FILENO, in->data, sizeof in->data);

        *ret = in->data;
        return got < 0 ? error_errno(err, errno, "read the archive") : got;
}

static int keep(void *userdata, const void *data, size_t n, struct error *err)
{
        const struct input *in = userdata;

        return tar_recipe_add_bytes(in->recipe, data, n, err);
}

static int convert(int layer, int recipe, struct error *err)
{
        static const uint8_t uuid[16];
        own_tar_recipe_writer struct tar_recipe_writer *rw = recipe >= 0 ? tar_recipe_writer_new(recipe) : NULL;
        own_mem struct input *in = calloc(1, sizeof *in);
        own_tar_reader struct tar_reader *tar = in ? tar_reader_new(read_stdin, rw ? keep : NULL, in) : NULL;
        own_layer_writer struct layer_writer w = {};
        int r = tar && (rw || recipe < 0) ? layer_writer_init(&w, layer, rw, err)
                                          : error_set(err, ENOMEM, "out of memory");

        if (r == 0) {
                in->recipe = rw;
                r = layer_writer_add(&w, tar, err);
        }
        if (r == 0)
                r = layer_writer_end(&w, uuid, err);
        return r == 0 && rw ? tar_recipe_end(rw, err) : r;
}

static int write_stdout(void *userdata, const void *data, size_t n, struct error *err)
{
        int r = fd_write_all(STDOUT_FILENO, data, n);

        return r < 0 ? error_errno(err, -r, "write the archive") : 0;
}

int main(int argc, char **argv)
{
        bool back = argc == 4 && strcmp(argv[1], "-x") == 0;
        int flags = back ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, r;
        own_fd int layer = back || argc == 2 || argc == 3 ? open(argv[1 + back], flags, 0600) : -1;
        own_fd int recipe = argc > 2 ? open(argv[2 + back], flags, 0600) : -1;
        struct error err;

        if (layer < 0 || (argc > 2 && recipe < 0)) {
                fprintf(stderr, "usage: %s LAYER [RECIPE] < ARCHIVE\n       %s -x LAYER RECIPE > ARCHIVE\n", argv[0],
                        argv[0]);
                return 2;
        }
        r = back ? tar_recipe_follow(recipe, layer, write_stdout, NULL, &err) : convert(layer, recipe, &err);
        if (r < 0)
                fprintf(stderr, "%s\n", err.text);
        return r < 0;
}
