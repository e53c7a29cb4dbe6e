/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "fetch/inflate.h"
#include "fetch/registry_blob.h"
#include "fetch/registry_pull.h"
#include "fetch/unpack.h"
#include "fetch/workers.h"

/* One layer on its way. */
struct layer {
        struct pull *pull;
        const struct descriptor *blob;
        const struct digest *diff_id;
        struct blob_stream stream;
        struct unpack *unpack;
        const struct registry *first, *last; /* that gave its first and its last bytes; NULL: one of its urls */
        bool refused;                        /* by unpack: no other place can go on with it */
};

static void show(struct layer *l, enum host_progress_state state)
{
        host_progress(l->pull->host, l->blob->digest.text, state, l->stream.done, l->blob->size);
}

static int write_layer(void *userdata, const void *data, size_t n, struct error *err)
{
        struct layer *l = userdata;
        int r = unpack_write(l->unpack, data, n, err);

        l->refused |= r < 0;
        return r;
}

static void layer_moved(void *userdata, uint64_t done)
{
        show(userdata, HOST_TRANSFERRING);
}

static void layer_retrying(void *userdata)
{
        show(userdata, HOST_RETRYING);
}

/* 1: unpack has refused it. */
static int stream_from(void *userdata, struct registry *r, struct http *http, struct error *err)
{
        struct layer *l = userdata;
        int e;

        if (l->last != r)
                l->stream.etag[0] = '\0';
        if (!l->stream.done)
                l->first = r;
        l->last = r;
        e = registry_stream_blob(r, http, &l->stream, err);
        return l->refused ? 1 : e;
}

/* A layer that is not for distribution may be had elsewhere alone. */
static int stream_from_urls(struct layer *l, struct http *http, struct error *err)
{
        int r = -ENOENT;

        l->first = l->last = NULL;
        for (size_t i = 0; l->blob->urls[i] && r < 0 && r != -ECANCELED && !l->refused; i++) {
                l->stream.etag[0] = '\0';
                r = registry_stream_url(http, l->blob->urls[i], &l->stream, err);
        }
        return r;
}

static int stream_layer(struct layer *l, struct http *http, struct error *err)
{
        int r = sources_try(l->pull->sources, http, stream_from, l, err);

        if (l->refused)
                return -err->code;
        return r == -ENOENT && l->blob->urls ? stream_from_urls(l, http, err) : r;
}

/* Downloads and unpacks at once, into the two files. */
static int fetch_into(struct layer *l, struct http *http, int image, int recipe, struct unpack_result *ret,
                      struct error *err)
{
        const struct unpack_options o = { .image_fd = image,
                                          .recipe_fd = recipe,
                                          .blob = &l->blob->digest,
                                          .diff_id = l->diff_id,
                                          .blob_size = l->blob->size,
                                          .max_tar_size = inflate_most(l->blob->size) };
        int r;

        l->refused = false;
        l->stream = (struct blob_stream){ .digest = &l->blob->digest,
                                          .size = l->blob->size,
                                          .write = write_layer,
                                          .moved = layer_moved,
                                          .retrying = layer_retrying,
                                          .userdata = l };
        l->unpack = unpack_start(&o, err);
        if (!l->unpack)
                return err ? -err->code : -ENOMEM;
        r = stream_layer(l, http, err);
        if (r < 0)
                unpack_abort(l->unpack);
        else
                r = unpack_end(l->unpack, ret, err);
        l->unpack = NULL;
        return r;
}

static int hand_over(struct layer *l, int image, int recipe, const struct unpack_result *u, struct error *err)
{
        struct host_layer_blob known = { .digest = l->blob->digest,
                                         .size = l->blob->size,
                                         .compression = u->compression };
        int r = host_add_layer(l->pull->host, l->diff_id, u->tar_size, image, recipe, err);

        if (r < 0)
                return r;
        snprintf(known.source, sizeof known.source, "%s", l->last ? registry_place(l->last) : "");
        return host_add_layer_blob(l->pull->host, l->diff_id, &known, err);
}

/* 1 when it was wrong and another place may have it right. */
static int fetch_once(struct layer *l, struct http *http, struct error *err)
{
        own_fd int image = host_new_file(l->pull->host, err);
        own_fd int recipe = image < 0 ? -1 : host_new_file(l->pull->host, err);
        struct unpack_result u = {};
        int r = image < 0 ? image : recipe;

        if (r >= 0)
                r = fetch_into(l, http, image, recipe, &u, err);
        /* When several gave parts of it, the first may be wrong or the last: the others get their turn alone. */
        if (r == -EBADMSG && l->first && sources_drop(l->pull->sources, l->first)) {
                host_warning(l->pull->host, "%s: %s; trying elsewhere", registry_place(l->first), err->text);
                return 1;
        }
        return r < 0 ? r : hand_over(l, image, recipe, &u, err);
}

static int fetch_layer(struct layer *l, struct http *http, struct error *err)
{
        struct error own;
        int r;

        do {
                show(l, HOST_TRANSFERRING);
                r = fetch_once(l, http, &own);
        } while (r > 0);
        if (r < 0) {
                if (err)
                        *err = own;
                return error_wrap(err, "layer %s", l->blob->digest.text);
        }
        show(l, HOST_DONE);
        return 0;
}

struct layers {
        struct pull *pull;
        const struct image_manifest *manifest;
        const struct image_config *config;
};

/* The same layer may stand in an image several times. */
static bool is_repeated(const struct layers *all, size_t item)
{
        for (size_t i = 0; i < item; i++) {
                if (digest_equal(&all->config->diff_ids[i], &all->config->diff_ids[item]))
                        return true;
        }
        return false;
}

static int work(void *userdata, struct http *http, size_t item, struct error *err)
{
        struct layers *all = userdata;
        struct layer l = { .pull = all->pull,
                           .blob = &all->manifest->layers[item],
                           .diff_id = &all->config->diff_ids[item] };
        int r;

        if (is_repeated(all, item))
                return 0;
        r = host_has_layer(l.pull->host, l.diff_id, err);
        /* That this blob is that layer is what a stranger says: it is not noted down. */
        if (r > 0) {
                l.stream.done = l.blob->size;
                show(&l, HOST_EXISTS);
                return 0;
        }
        return r < 0 ? r : fetch_layer(&l, http, err);
}

int pull_layers(struct pull *p, const struct image_manifest *manifest, const struct image_config *config,
                struct error *err)
{
        struct layers all = { .pull = p, .manifest = manifest, .config = config };

        for (size_t i = 0; i < manifest->n_layers; i++)
                host_progress(p->host, manifest->layers[i].digest.text, HOST_WAITING, 0, manifest->layers[i].size);
        return workers_run(p->parallel, manifest->n_layers, work, &all, err);
}
