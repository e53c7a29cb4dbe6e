/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "store/layer_capture.h"
#include "sys/fd.h"

enum { MAX_PROGRAM = 64 << 20 };

/* ---- the layer ---- */

static int copy_program(const char *program, int dir)
{
        static const struct timespec epoch[2];
        own_fd int from = open(program, O_RDONLY | O_CLOEXEC);
        own_fd int to = openat(dir, COMPARE_PROGRAM_PATH + 1, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
        ssize_t n = 1;

        if (from < 0 || to < 0)
                return -errno;
        while (n > 0)
                n = sendfile(to, from, NULL, MAX_PROGRAM);
        if (n < 0 || fchmod(to, 0755) < 0 || futimens(to, epoch) < 0 || fchmod(dir, 0755) < 0 ||
            futimens(dir, epoch) < 0)
                return -errno;
        return 0;
}

static int capture(struct store *s, const char *program, const char *scratch, struct layer_captured *ret,
                   struct error *err)
{
        own_fd int parent = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC), tree = -1;
        struct tar_tree_options o = { .name = ".", .as = ".", .stable = true };
        int r;

        if (parent < 0 || mkdirat(parent, "tree", 0755) < 0)
                return error_errno(err, errno, "make a directory in %s", scratch);
        o.dir = tree = openat(parent, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = tree < 0 ? -errno : copy_program(program, tree);
        r = r < 0 ? error_errno(err, -r, "copy %s", program) : layer_capture(s, &o, ret, err);
        fd_remove_tree_at(parent, "tree");
        return r;
}

/* ---- the documents ---- */

struct base {
        struct buf config_text, manifest_text;
        struct image_config config;
        struct image_manifest manifest;
};

static void base_finish(struct base *b)
{
        buf_finish(&b->config_text);
        buf_finish(&b->manifest_text);
        image_config_finish(&b->config);
        image_manifest_finish(&b->manifest);
}

static int base_read(struct store *s, const struct image_info *info, struct base *b, struct error *err)
{
        int r = store_blob_read(s, &info->id, &b->config_text, err);

        if (r == 0)
                r = store_blob_read(s, &info->manifest, &b->manifest_text, err);
        if (r == 0)
                r = image_config_read(buf_str(&b->config_text), b->config_text.len, &b->config, err);
        if (r == 0)
                r = image_manifest_read(buf_str(&b->manifest_text), b->manifest_text.len, NULL, &b->manifest, err);
        if (r == 0 && b->config.n_diff_ids >= MANIFEST_MAX_LAYERS)
                r = error_set(err, E2BIG, "the image has %zu layers already", b->config.n_diff_ids);
        return r;
}

/* No time is in it: what is the same has the same name. */
static void write_config(const struct base *b, const struct digest *layer, struct buf *out)
{
        struct platform p = platform_host();
        struct json_writer w = { .out = out };
        struct json_object *config = b->config.json ? json_member(b->config.json, "config") : NULL;

        json_begin_object(&w, NULL);
        json_write_string(&w, "architecture", b->config.json ? b->config.platform.architecture : p.architecture);
        json_write_string(&w, "os", "linux");
        if (config)
                json_write_value(&w, "config", config);
        json_begin_object(&w, "rootfs");
        json_write_string(&w, "type", "layers");
        json_begin_array(&w, "diff_ids");
        for (size_t i = 0; i < b->config.n_diff_ids; i++)
                json_write_string(&w, NULL, b->config.diff_ids[i].text);
        json_write_string(&w, NULL, layer->text);
        json_end_array(&w);
        json_end_object(&w);
        json_end_object(&w);
}

static int add_document(struct store *s, const char *media_type, const struct buf *text, struct digest *ret,
                        struct error *err)
{
        own_fd int fd = store_new_file(s, err);
        int r;

        if (fd < 0)
                return fd;
        r = buf_failed(text) ? -ENOMEM : fd_write_all(fd, text->data, text->len);
        if (r < 0)
                return error_errno(err, -r, "write a document of the image");
        digest_of_bytes(text->data, text->len, ret);
        return store_blob_add(s, ret, media_type, fd, err);
}

static int write_manifest(const struct base *b, const struct descriptor *config, const struct layer_captured *top,
                          struct buf *out, struct error *err)
{
        size_t below = b->manifest.n_layers;
        own_mem struct descriptor *layers = calloc(below + 1, sizeof *layers);

        if (!layers)
                return error_set(err, ENOMEM, "out of memory");
        if (below)
                memcpy(layers, b->manifest.layers, below * sizeof *layers);
        layers[below] = (struct descriptor){ .media_type = media_type_of_layer(COMPRESSION_NONE),
                                             .digest = top->diff_id,
                                             .size = top->tar_size };
        image_manifest_write(out, config, layers, below + 1);
        return 0;
}

static int add_image(struct store *s, const struct base *b, const struct layer_captured *top, struct digest *ret,
                     struct error *err)
{
        struct descriptor config = { .media_type = MEDIA_TYPE_OCI_CONFIG };
        own_buf struct buf text = {}, manifest = {};
        struct digest digest = {};
        int r;

        write_config(b, &top->diff_id, &text);
        config.size = text.len;
        r = add_document(s, config.media_type, &text, &config.digest, err);
        if (r == 0)
                r = write_manifest(b, &config, top, &manifest, err);
        if (r == 0)
                r = add_document(s, MEDIA_TYPE_OCI_MANIFEST, &manifest, &digest, err);
        if (r == 0)
                r = store_image_add_for(s, &digest, NULL, NULL, err);
        if (r == 0)
                *ret = config.digest;
        return r;
}

int compare_image_make(struct store *s, const struct image_info *base, const char *program, const char *scratch,
                       struct compare_image *ret, struct error *err)
{
        struct layer_captured top = { .pin = -1 };
        struct base b = {};
        int r = base ? base_read(s, base, &b, err) : 0;

        if (r == 0)
                r = capture(s, program, scratch, &top, err);
        if (r == 0)
                r = add_image(s, &b, &top, &ret->id, err);
        base_finish(&b);
        if (r == 0)
                ret->pin = top.pin;
        else if (top.pin >= 0)
                close(top.pin);
        return r < 0 ? error_wrap(err, "make an image for the comparison") : 0;
}

void compare_image_remove(struct store *s, struct compare_image *i)
{
        struct error ignored;

        if (i->pin < 0)
                return;
        close(take_fd(&i->pin));
        store_image_remove(s, &i->id, &ignored);
}
