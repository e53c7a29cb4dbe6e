/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "fetch/host_message.h"
#include "sys/fd.h"

/* A request that is answered by nothing but yes. */
static int ask_yes(struct host *h, struct host_request *q, const int *fds, size_t n_fds, struct error *err)
{
        own_host_answer struct host_answer a = { .fds = { -1, -1 } };

        return host_ask(h, q, fds, n_fds, 0, &a, err);
}

int host_new_file(struct host *h, struct error *err)
{
        own_host_answer struct host_answer a = { .fds = { -1, -1 } };
        struct host_request q;
        int r;

        host_ask_begin(&q, "new-file");
        r = host_ask(h, &q, NULL, 0, 1, &a, err);
        return r < 0 ? r : take_fd(&a.fds[0]);
}

int host_has_layer(struct host *h, const struct digest *diff_id, struct error *err)
{
        own_host_answer struct host_answer a = { .fds = { -1, -1 } };
        struct host_request q;
        bool has = false;
        int r;

        host_ask_begin(&q, "has-layer");
        json_write_string(&q.writer, "diff_id", diff_id->text);
        r = host_ask(h, &q, NULL, 0, 0, &a, err);
        if (r == 0)
                r = json_get_bool(a.json, "has", &has, err);
        return r < 0 ? r : has;
}

int host_open_layer(struct host *h, const struct digest *diff_id, uint64_t *ret_tar_size, int *ret_image,
                    int *ret_recipe, struct error *err)
{
        own_host_answer struct host_answer a = { .fds = { -1, -1 } };
        struct host_request q;
        uint64_t tar_size = 0;
        int r;

        host_ask_begin(&q, "open-layer");
        json_write_string(&q.writer, "diff_id", diff_id->text);
        r = host_ask(h, &q, NULL, 0, 2, &a, err);
        if (r == 0)
                r = json_get_u64(a.json, "tar_size", &tar_size, err);
        if (r < 0)
                return r;
        if (ret_tar_size)
                *ret_tar_size = tar_size;
        *ret_image = take_fd(&a.fds[0]);
        *ret_recipe = take_fd(&a.fds[1]);
        return 0;
}

int host_read_blob(struct host *h, const struct digest *d, struct buf *ret, struct error *err)
{
        own_host_answer struct host_answer a = { .fds = { -1, -1 } };
        struct host_request q;
        bool has = false;
        int r;

        host_ask_begin(&q, "read-blob");
        json_write_string(&q.writer, "digest", d->text);
        r = host_ask(h, &q, NULL, 0, 0, &a, err);
        if (r == 0)
                r = json_get_bool(a.json, "has", &has, err);
        if (r < 0 || !has)
                return r < 0 ? r : 0;
        r = a.fds[0] < 0 ? -EBADMSG : fd_read_all(a.fds[0], MANIFEST_MAX, ret);
        return r < 0 ? error_errno(err, -r, "read blob %s", d->text) : 1;
}

static int read_layer_blob(struct json_object *o, struct host_layer_blob *ret, struct error *err)
{
        const char *digest = "", *source = "";
        uint64_t compression = 0;
        int r = json_get_string(o, "digest", &digest, err);

        if (r >= 0)
                r = digest_parse(digest, &ret->digest, err);
        if (r >= 0)
                r = json_get_u64(o, "size", &ret->size, err);
        if (r >= 0)
                r = json_get_u64(o, "compression", &compression, err);
        if (r >= 0)
                r = json_get_bool(o, "ours", &ret->ours, err);
        if (r >= 0)
                r = json_get_string(o, "source", &source, err);
        ret->compression = (enum compression)compression;
        snprintf(ret->source, sizeof ret->source, "%s", source);
        return r < 0 ? r : 0;
}

int host_layer_blobs(struct host *h, const struct digest *diff_id, struct host_layer_blob **ret, struct error *err)
{
        own_host_answer struct host_answer a = { .fds = { -1, -1 } };
        own_mem struct host_layer_blob *blobs = NULL;
        struct json_object *list = NULL;
        struct host_request q;
        int r;

        host_ask_begin(&q, "layer-blobs");
        json_write_string(&q.writer, "diff_id", diff_id->text);
        r = host_ask(h, &q, NULL, 0, 0, &a, err);
        if (r == 0)
                r = json_get_array(a.json, "blobs", &list, err);
        if (r <= 0)
                return r;
        blobs = calloc(json_array_size(list) + 1, sizeof *blobs);
        if (!blobs)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < json_array_size(list); i++) {
                r = read_layer_blob(json_array_item(list, i), &blobs[i], err);
                if (r < 0)
                        return r;
        }
        *ret = take_ptr(blobs);
        return (int)json_array_size(list);
}

int host_add_layer_blob(struct host *h, const struct digest *diff_id, const struct host_layer_blob *b,
                        struct error *err)
{
        struct host_request q;

        host_ask_begin(&q, "add-layer-blob");
        json_write_string(&q.writer, "diff_id", diff_id->text);
        json_write_string(&q.writer, "digest", b->digest.text);
        json_write_u64(&q.writer, "size", b->size);
        json_write_u64(&q.writer, "compression", b->compression);
        json_write_bool(&q.writer, "ours", b->ours);
        json_write_string(&q.writer, "source", b->source);
        return ask_yes(h, &q, NULL, 0, err);
}

int host_add_layer(struct host *h, const struct digest *diff_id, uint64_t tar_size, int image, int recipe,
                   struct error *err)
{
        struct host_request q;
        int fds[] = { image, recipe };

        host_ask_begin(&q, "add-layer");
        json_write_string(&q.writer, "diff_id", diff_id->text);
        json_write_u64(&q.writer, "tar_size", tar_size);
        return ask_yes(h, &q, fds, ARRAY_SIZE(fds), err);
}

int host_add_blob(struct host *h, const struct digest *d, const char *media_type, const void *data, size_t n,
                  struct error *err)
{
        own_fd int fd = host_new_file(h, err);
        struct host_request q;
        int r = fd < 0 ? fd : fd_write_all(fd, data, n);

        if (fd < 0)
                return fd;
        if (r < 0)
                return error_errno(err, -r, "write blob %s", d->text);
        host_ask_begin(&q, "add-blob");
        json_write_string(&q.writer, "digest", d->text);
        json_write_string(&q.writer, "media_type", media_type);
        return ask_yes(h, &q, &fd, 1, err);
}

int host_add_image(struct host *h, const struct digest *manifest, const char *name, struct error *err)
{
        struct host_request q;

        host_ask_begin(&q, "add-image");
        json_write_string(&q.writer, "manifest", manifest->text);
        if (name)
                json_write_string(&q.writer, "name", name);
        return ask_yes(h, &q, NULL, 0, err);
}
