/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/pack.h"
#include "fetch/registry_push.h"
#include "fetch/registry_upload.h"
#include "fetch/workers.h"
#include "sys/fd.h"

enum { MAX_CANDIDATES = 8 }; /* known blobs of a layer that are asked for */

struct layer {
        struct push *push;
        struct http *http;
        const struct digest *diff_id;
        const struct descriptor *own; /* as the manifest has it */
        struct descriptor *ret;
        uint64_t total;
};

/* A layer's blob gets its digest only when it is packed: the diff_id stands for it in what is shown. */
static void show(struct layer *l, enum host_progress_state state, uint64_t done)
{
        host_progress(l->push->host, l->diff_id->text, state, done, l->total);
}

static void layer_moved(void *userdata, uint64_t done)
{
        show(userdata, HOST_TRANSFERRING, done);
}

static void layer_retrying(void *userdata)
{
        show(userdata, HOST_RETRYING, 0);
}

/* --- what the registry has, or can take from elsewhere in it --- */

static bool fits(const struct push *p, enum compression c)
{
        return p->any_compression || c == p->compression;
}

static void take(struct layer *l, const struct host_layer_blob *b)
{
        l->total = b->size;
        if (digest_equal(&b->digest, &l->own->digest))
                *l->ret = *l->own;
        else
                *l->ret = (struct descriptor){ .media_type = media_type_of_layer(b->compression),
                                               .digest = b->digest,
                                               .size = b->size };
}

/* The blob that the manifest names, where it fits, then the others that are known; the source of the first may be among
 * them. Returns their number. */
static int find_candidates(struct layer *l, struct host_layer_blob ret[MAX_CANDIDATES], struct error *err)
{
        own_mem struct host_layer_blob *known = NULL;
        struct host_layer_blob own = { .digest = l->own->digest, .size = l->own->size };
        int n = host_layer_blobs(l->push->host, l->diff_id, &known, err), found = 0;

        if (n < 0)
                return n;
        media_type_of(l->own->media_type, &own.compression);
        if (fits(l->push, own.compression))
                ret[found++] = own;
        for (int i = 0; i < n && found < MAX_CANDIDATES; i++) {
                if (found && digest_equal(&known[i].digest, &ret[0].digest))
                        ret[0] = known[i];
                else if (fits(l->push, known[i].compression))
                        ret[found++] = known[i];
        }
        return found;
}

/* The repository, when the source is another one of this registry; else NULL. */
static const char *other_repository(const struct layer *l, const struct host_layer_blob *b)
{
        const char *name = registry_name(l->push->registry);
        size_t n = strlen(name);

        if (strncmp(b->source, name, n) != 0 || b->source[n] != '/')
                return NULL;
        return strcmp(b->source + n + 1, registry_repository(l->push->registry)) == 0 ? NULL : b->source + n + 1;
}

/* 1 when the repository has the layer now, as *l->ret says. */
static int find_there(struct layer *l, struct error *err)
{
        struct host_layer_blob candidates[MAX_CANDIDATES] = {};
        int n = find_candidates(l, candidates, err);

        for (int i = 0; i < n; i++) {
                int r = registry_has_blob(l->push->registry, l->http, &candidates[i].digest, err);

                if (r <= 0 && r != 0)
                        return r;
                if (r > 0) {
                        take(l, &candidates[i]);
                        show(l, HOST_EXISTS, l->total);
                        return 1;
                }
        }
        for (int i = 0; i < n; i++) {
                const char *from = other_repository(l, &candidates[i]);
                int r = from ? registry_mount_blob(l->push->registry, l->http, &candidates[i].digest, from, err) : 0;

                if (r < 0)
                        return r;
                if (r > 0) {
                        take(l, &candidates[i]);
                        show(l, HOST_MOUNTED, l->total);
                        return 1;
                }
        }
        return n < 0 ? n : 0;
}

/* --- packing --- */

static int write_file(void *userdata, const void *data, size_t n, struct error *err)
{
        int r = fd_write_all(*(int *)userdata, data, n);

        return r < 0 ? error_errno(err, -r, "write the packed layer") : 0;
}

/* As the manifest has it; what cannot be made again, and what has not been compressed, becomes gzip. */
static enum compression choose_compression(const struct layer *l)
{
        enum compression c = COMPRESSION_GZIP;

        if (!l->push->any_compression)
                return l->push->compression;
        media_type_of(l->own->media_type, &c);
        return c == COMPRESSION_ZSTD ? c : COMPRESSION_GZIP;
}

static int pack(struct layer *l, int file, struct host_layer_blob *ret, struct error *err)
{
        own_fd int image = -1, recipe = -1;
        struct pack_result packed = {};
        int r = host_open_layer(l->push->host, l->diff_id, NULL, &image, &recipe, err);

        ret->compression = choose_compression(l);
        if (r == 0)
                r = pack_layer(image, recipe, l->diff_id, ret->compression, l->push->level, write_file, &file, &packed,
                               err);
        if (r < 0)
                return r;
        ret->digest = packed.blob;
        ret->size = packed.blob_size;
        ret->ours = true;
        return 0;
}

static int upload(struct layer *l, int file, const struct host_layer_blob *b, struct error *err)
{
        const struct upload u = { .digest = &b->digest,
                                  .body = { .fd = file, .size = b->size },
                                  .chunk_size = l->push->chunk_size,
                                  .moved = layer_moved,
                                  .retrying = layer_retrying,
                                  .userdata = l };
        int r = registry_has_blob(l->push->registry, l->http, &b->digest, err);

        if (r < 0)
                return r;
        if (r > 0) {
                show(l, HOST_EXISTS, l->total);
                return 0;
        }
        show(l, HOST_TRANSFERRING, 0);
        r = registry_upload_blob(l->push->registry, l->http, &u, err);
        if (r == 0)
                show(l, HOST_DONE, l->total);
        return r;
}

static int pack_and_upload(struct layer *l, struct error *err)
{
        own_fd int file = host_new_file(l->push->host, err);
        struct host_layer_blob b = {};
        int r = file < 0 ? file : pack(l, file, &b, err);

        if (r < 0)
                return r;
        take(l, &b);
        r = upload(l, file, &b, err);
        if (r < 0)
                return r;
        snprintf(b.source, sizeof b.source, "%s", registry_place(l->push->registry));
        return host_add_layer_blob(l->push->host, l->diff_id, &b, err);
}

/* --- all of them --- */

struct layers {
        struct push *push;
        struct descriptor *ret;
};

/* An earlier layer that is the same, or this one. */
static size_t first_same(const struct push *p, size_t item)
{
        for (size_t i = 0; i < item; i++) {
                if (digest_equal(&p->config->diff_ids[i], &p->config->diff_ids[item]) &&
                    digest_equal(&p->manifest->layers[i].digest, &p->manifest->layers[item].digest))
                        return i;
        }
        return item;
}

static int work(void *userdata, struct http *http, size_t item, struct error *err)
{
        struct layers *all = userdata;
        struct layer l = { .push = all->push,
                           .http = http,
                           .diff_id = &all->push->config->diff_ids[item],
                           .own = &all->push->manifest->layers[item],
                           .ret = &all->ret[item] };
        int r;

        if (first_same(all->push, item) != item)
                return 0;
        r = find_there(&l, err);
        if (r == 0)
                r = pack_and_upload(&l, err);
        return r < 0 ? error_wrap(err, "layer %s", l.diff_id->text) : 0;
}

int push_layers(struct push *p, struct descriptor *layers, struct error *err)
{
        struct layers all = { .push = p, .ret = layers };
        size_t n = p->manifest->n_layers;
        int r;

        for (size_t i = 0; i < n; i++)
                host_progress(p->host, p->config->diff_ids[i].text, HOST_WAITING, 0, 0);
        r = workers_run(p->parallel, n, work, &all, err);
        for (size_t i = 0; i < n && r == 0; i++)
                layers[i] = layers[first_same(p, i)];
        return r;
}
