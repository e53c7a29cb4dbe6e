/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_push.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/hash.h"
#include "fetch/operation.h"
#include "fetch/registry_document.h"
#include "fetch/registry_upload.h"
#include "oci/reference.h"

enum { USUAL_PARALLEL = 3 };

struct parameters {
        const char *reference, *manifest, *compression;
        uint32_t level, parallel;
        uint64_t chunk_size;
};

/* The image in the store. */
struct image {
        struct document document;
        struct image_manifest manifest;
        struct buf config_text;
        struct image_config config;
};

static void image_finish(struct image *i)
{
        image_config_finish(&i->config);
        image_manifest_finish(&i->manifest);
        document_finish(&i->document);
        buf_finish(&i->config_text);
}
#define own_image __attribute__((cleanup(image_finish)))

static int read_blob(struct host *h, const struct digest *d, struct buf *ret, struct error *err)
{
        int r = host_read_blob(h, d, ret, err);

        if (r == 0)
                return error_set(err, ENOENT, "the store has no blob %s", d->text);
        return r < 0 ? r : 0;
}

static int read_image(struct host *h, const char *digest, struct image *i, struct error *err)
{
        struct document *d = &i->document;
        int r = digest_parse(digest, &d->digest, err);

        if (r == 0)
                r = read_blob(h, &d->digest, &d->text, err);
        if (r == 0)
                r = image_manifest_read(buf_str(&d->text), d->text.len, NULL, &i->manifest, err);
        if (r == 0)
                r = read_blob(h, &i->manifest.config.digest, &i->config_text, err);
        if (r == 0)
                r = image_config_read(buf_str(&i->config_text), i->config_text.len, &i->config, err);
        if (r < 0)
                return r;
        snprintf(d->media_type, sizeof d->media_type, "%s", i->manifest.media_type);
        if (i->config.n_diff_ids != i->manifest.n_layers)
                return error_set(err, EBADMSG, "the manifest has %zu layers, its configuration %zu",
                                 i->manifest.n_layers, i->config.n_diff_ids);
        return 0;
}

static int push_config(struct push *p, struct http *http, const struct image *i, struct error *err)
{
        const struct upload u = { .digest = &i->manifest.config.digest,
                                  .body = { .data = buf_str(&i->config_text), .size = i->config_text.len } };
        int r = registry_has_blob(p->registry, http, u.digest, err);

        if (r == 0)
                r = registry_upload_blob(p->registry, http, &u, err);
        return r < 0 ? error_wrap(err, "configuration") : 0;
}

/* --- the manifest --- */

static bool is_unchanged(const struct image *i, const struct descriptor *layers)
{
        for (size_t n = 0; n < i->manifest.n_layers; n++) {
                if (!digest_equal(&i->manifest.layers[n].digest, &layers[n].digest))
                        return false;
        }
        return true;
}

/* All in OCI's words: a manifest is either this or Docker's. */
static int write_manifest(const struct image *i, struct descriptor *layers, struct document *ret, struct error *err)
{
        struct descriptor config = i->manifest.config;

        config.media_type = MEDIA_TYPE_OCI_CONFIG;
        for (size_t n = 0; n < i->manifest.n_layers; n++) {
                enum compression c = COMPRESSION_NONE;

                media_type_of(layers[n].media_type, &c);
                layers[n].media_type = media_type_of_layer(c);
        }
        image_manifest_write(&ret->text, &config, layers, i->manifest.n_layers);
        snprintf(ret->media_type, sizeof ret->media_type, "%s", MEDIA_TYPE_OCI_MANIFEST);
        if (buf_failed(&ret->text))
                return error_set(err, ENOMEM, "out of memory");
        return hash_of(buf_str(&ret->text), ret->text.len, &ret->digest, err);
}

/* The store learns what the image is called there. */
static int keep_manifest(struct host *h, const struct document *d, struct error *err)
{
        int r = host_add_blob(h, &d->digest, d->media_type, buf_str(&d->text), d->text.len, err);

        return r < 0 ? r : host_add_image(h, &d->digest, NULL, err);
}

static int tell_result(struct host *h, const struct document *d, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        json_write_string(&w, "digest", d->digest.text);
        json_write_u64(&w, "size", d->text.len);
        json_write_string(&w, "media_type", d->media_type);
        json_end_object(&w);
        return buf_failed(&text) ? error_set(err, ENOMEM, "out of memory") : host_result(h, buf_str(&text), err);
}

static int push_manifest(struct push *p, struct http *http, const struct reference *ref, const struct image *i,
                         struct descriptor *layers, struct error *err)
{
        own_document struct document rewritten = {};
        bool unchanged = is_unchanged(i, layers);
        const struct document *d = unchanged ? &i->document : &rewritten;
        int r = unchanged ? 0 : write_manifest(i, layers, &rewritten, err);

        if (r == 0 && *ref->digest.text && !digest_equal(&ref->digest, &d->digest))
                r = error_set(err, EINVAL, "the image has the digest %s there, not the one of its reference",
                              d->digest.text);
        if (r == 0)
                r = registry_put_manifest(p->registry, http, *ref->tag ? ref->tag : d->digest.text, d, err);
        if (r == 0 && !unchanged)
                r = keep_manifest(p->host, d, err);
        return r < 0 ? r : tell_result(p->host, d, err);
}

static int push_image(struct push *p, struct http *http, const struct reference *ref, const char *manifest,
                      struct error *err)
{
        own_image struct image i = {};
        own_mem struct descriptor *layers = NULL;
        int r = read_image(p->host, manifest, &i, err);

        if (r < 0)
                return r;
        layers = calloc(i.manifest.n_layers + 1, sizeof *layers);
        if (!layers)
                return error_set(err, ENOMEM, "out of memory");
        p->manifest = &i.manifest;
        p->config = &i.config;
        r = push_layers(p, layers, err);
        if (r == 0)
                r = push_config(p, http, &i, err);
        return r < 0 ? r : push_manifest(p, http, ref, &i, layers, err);
}

/* --- the job --- */

static int read_compression(const char *name, struct push *p, struct error *err)
{
        p->any_compression = !name;
        if (!name)
                return 0;
        if (strcmp(name, "gzip") != 0 && strcmp(name, "zstd") != 0)
                return error_set(err, EINVAL, "compression: \"%.50s\" is neither gzip nor zstd", name);
        p->compression = strcmp(name, "zstd") == 0 ? COMPRESSION_ZSTD : COMPRESSION_GZIP;
        return 0;
}

static int read_parameters(struct json_object *job, struct parameters *ret, struct error *err)
{
        int r = json_get_string(job, "reference", &ret->reference, err);

        if (r > 0)
                r = json_get_string(job, "manifest", &ret->manifest, err);
        if (r == 0)
                r = error_set(err, EINVAL, "reference and manifest are needed");
        if (r >= 0)
                r = json_get_string(job, "compression", &ret->compression, err);
        if (r >= 0)
                r = json_get_u32(job, "level", &ret->level, err);
        if (r >= 0)
                r = json_get_u32(job, "parallel", &ret->parallel, err);
        if (r >= 0)
                r = json_get_u64(job, "chunk_size", &ret->chunk_size, err);
        return r < 0 ? r : 0;
}

static int open_target(struct host *h, const struct reference *ref, struct http *http, struct registry **ret,
                       struct error *err)
{
        struct registry_options o = { .host = h };
        struct host_endpoint *places = NULL;
        int r = host_endpoints(h, ref->registry, ref->repository, true, *ref->tag ? ref->tag : ref->digest.text,
                               &places, err);

        if (r < 0)
                return r;
        o.name = places[0].registry;
        o.repository = places[0].repository;
        o.insecure = places[0].insecure;
        r = o.name ? registry_open(&o, http, ret, err) : error_set(err, ENOENT, "there is no place to push to");
        host_endpoints_free(places);
        return r;
}

int operation_push(struct host *h, struct json_object *job, struct error *err)
{
        own_http struct http *http = http_new(NULL);
        own_registry struct registry *registry = NULL;
        struct parameters wanted = { .parallel = USUAL_PARALLEL };
        struct push p = { .host = h };
        struct reference ref = {};
        int r = http ? read_parameters(job, &wanted, err) : error_set(err, ENOMEM, "out of memory");

        if (r == 0)
                r = read_compression(wanted.compression, &p, err);
        if (r == 0)
                r = reference_parse(wanted.reference, &ref, err);
        if (r == 0)
                r = open_target(h, &ref, http, &registry, err);
        if (r < 0)
                return r;
        p.registry = registry;
        p.level = (int)wanted.level;
        p.chunk_size = wanted.chunk_size;
        p.parallel = wanted.parallel ? wanted.parallel : 1;
        return push_image(&p, http, &ref, wanted.manifest, err);
}
