/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_add NAME MANIFEST-DIGEST MANIFEST CONFIG ARCHIVE...: enters an image of uncompressed layers into the store of
 * $HOLT_ROOT and $HOLT_RUN. Digests are believed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "store/layer_write.h"
#include "store/store.h"
#include "sys/fd.h"

enum { MAX_TEXT = 1 << 20 };

struct input {
        int fd;
        char data[256 << 10];
};

static ssize_t read_archive(void *userdata, const void **ret, struct error *err)
{
        struct input *in = userdata;
        ssize_t got = read(in->fd, in->data, sizeof in->data);

        *ret = in->data;
        return got < 0 ? error_errno(err, errno, "read the archive") : got;
}

static int convert(int layer, int archive, struct error *err)
{
        static const uint8_t uuid[16];
        own_mem struct input *in = calloc(1, sizeof *in);
        own_tar_reader struct tar_reader *tar = in ? tar_reader_new(read_archive, NULL, in) : NULL;
        own_layer_writer struct layer_writer w = {};
        int r = tar ? layer_writer_init(&w, layer, NULL, err) : error_set(err, ENOMEM, "out of memory");

        if (r == 0) {
                in->fd = archive;
                r = layer_writer_add(&w, tar, err);
        }
        return r == 0 ? layer_writer_end(&w, uuid, err) : r;
}

static int open_file(const char *path, struct error *err)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

static int add_layer(struct store *s, const struct digest *diff_id, const char *path, struct error *err)
{
        own_fd int archive = open_file(path, err), layer = -1, pin = -1;
        struct layer_info info = { .diff_id = *diff_id };
        struct stat tar, image;
        int r = archive;

        if (r >= 0)
                r = layer = store_new_file(s, err);
        if (r >= 0)
                r = convert(layer, archive, err);
        if (r < 0)
                return r;
        if (fstat(layer, &image) < 0 || fstat(archive, &tar) < 0)
                return error_errno(err, errno, "stat");
        info.size = (uint64_t)image.st_size;
        info.tar_size = (uint64_t)tar.st_size;
        pin = store_layer_add(s, &info, layer, -1, err);
        return pin < 0 ? pin : 0;
}

static int add_blob(struct store *s, const struct digest *d, const char *type, const char *path, struct buf *ret_text,
                    struct error *err)
{
        own_fd int from = open_file(path, err), to = -1;
        int r = from;

        if (r >= 0)
                r = fd_read_all(from, MAX_TEXT, ret_text);
        if (r >= 0)
                r = to = store_new_file(s, err);
        if (r >= 0)
                r = fd_write_all(to, ret_text->data, ret_text->len);
        return r < 0 ? r : store_blob_add(s, d, type, to, err);
}

static int add_image(char **argv, int n_archives, struct error *err)
{
        own_store struct store *s = NULL;
        own_image_manifest struct image_manifest manifest = {};
        own_image_config struct image_config config = {};
        own_buf struct buf manifest_text = {}, config_text = {};
        struct reference name;
        struct digest digest;
        int r = store_open(getenv("HOLT_ROOT"), getenv("HOLT_RUN"), &s, err);

        if (r == 0)
                r = reference_parse(argv[0], &name, err);
        if (r == 0)
                r = digest_parse(argv[1], &digest, err);
        if (r == 0)
                r = add_blob(s, &digest, MEDIA_TYPE_OCI_MANIFEST, argv[2], &manifest_text, err);
        if (r == 0)
                r = image_manifest_read(manifest_text.data, manifest_text.len, NULL, &manifest, err);
        if (r == 0)
                r = add_blob(s, &manifest.config.digest, MEDIA_TYPE_OCI_CONFIG, argv[3], &config_text, err);
        if (r == 0)
                r = image_config_read(config_text.data, config_text.len, &config, err);
        if (r == 0 && config.n_diff_ids != (size_t)n_archives)
                r = error_set(err, EINVAL, "%zu layers", config.n_diff_ids);
        for (int i = 0; r == 0 && i < n_archives; i++)
                r = add_layer(s, &config.diff_ids[i], argv[4 + i], err);
        return r == 0 ? store_image_add(s, &digest, &name, err) : r;
}

int main(int argc, char **argv)
{
        struct error err = {};
        int r = argc > 5 ? add_image(argv + 1, argc - 5, &err) : error_set(&err, EINVAL, "too few arguments");

        if (r < 0)
                fprintf(stderr, "%s\n", err.text);
        return r < 0;
}
