/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images as an OCI layout; a docker-archive is one too, with a manifest.json beside it, as Docker writes it since
 * version 25. Layers go out as they are read, so whatever names them stands behind them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/json.h"
#include "base/own.h"
#include "fetch/archive_sink.h"
#include "fetch/hash.h"
#include "fetch/operation.h"
#include "fetch/pack.h"
#include "oci/image_config.h"
#include "oci/reference.h"
#include "sys/fd.h"

enum { PIECE = 256 << 10, BLOB_NAME = 160 };

struct saved_layer {
        struct digest diff_id;
        struct descriptor blob;
};

struct save {
        const char *moving; /* the layer that is written: for progress */
        struct host *host;
        struct archive_sink sink;
        bool docker;
        enum compression compression;
        struct saved_layer *layers;
        size_t n_layers, layers_cap;
        struct digest *documents;
        size_t n_documents, documents_cap;
        struct buf index, docker_manifest; /* index.json and manifest.json, as they grow */
        struct json_writer index_writer, docker_writer;
};

static void save_finish(struct save *s)
{
        archive_sink_finish(&s->sink);
        free(s->layers);
        free(s->documents);
        buf_finish(&s->index);
        buf_finish(&s->docker_manifest);
}
#define own_save __attribute__((cleanup(save_finish)))

static int out_of_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static void blob_name(const struct digest *d, char ret[BLOB_NAME])
{
        snprintf(ret, BLOB_NAME, "blobs/%.*s/%s", (int)strcspn(d->text, ":"), d->text, digest_hex(d));
}

/* ---- layers ---- */

struct layer_files {
        int image, recipe;
        uint64_t tar_size;
};

static void layer_files_finish(const struct layer_files *f)
{
        if (f->image >= 0)
                close(f->image);
        if (f->recipe >= 0)
                close(f->recipe);
}
#define own_layer_files __attribute__((cleanup(layer_files_finish)))

static int write_sink(void *userdata, const void *data, size_t n, struct error *err)
{
        struct save *s = userdata;

        host_progress(s->host, s->moving, HOST_TRANSFERRING, s->sink.done, s->sink.size);
        return archive_sink_write(&s->sink, data, n, err);
}

static int save_plain(struct save *s, const struct layer_files *f, struct saved_layer *l, struct error *err)
{
        struct pack_result res;
        char name[BLOB_NAME];
        int r;

        blob_name(&l->diff_id, name);
        r = archive_sink_begin(&s->sink, name, f->tar_size, err);
        if (r == 0)
                r = pack_layer(f->image, f->recipe, &l->diff_id, COMPRESSION_NONE, 0, write_sink, s, &res, err);
        l->blob.digest = l->diff_id;
        l->blob.size = f->tar_size;
        return r < 0 ? r : archive_sink_end(&s->sink, err);
}

static int write_file(void *userdata, const void *data, size_t n, struct error *err)
{
        const int *fd = userdata;
        int r = fd_write_all(*fd, data, n);

        return r < 0 ? error_errno(err, -r, "write a compressed layer") : 0;
}

static int copy_file(struct save *s, int fd, uint64_t size, struct error *err)
{
        own_mem char *data = malloc(PIECE);
        uint64_t at = 0;
        int r = data ? 0 : out_of_memory(err);

        while (r == 0 && at < size) {
                ssize_t n = pread(fd, data, PIECE, (off_t)at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return error_errno(err, n ? errno : EIO, "read a compressed layer");
                r = write_sink(s, data, (size_t)n, err);
                at += (uint64_t)n;
        }
        return r;
}

/* How long it will be is known only when it has been compressed. */
static int save_compressed(struct save *s, const struct layer_files *f, struct saved_layer *l, struct error *err)
{
        own_fd int fd = host_new_file(s->host, err);
        struct pack_result res = {};
        char name[BLOB_NAME];
        int r = fd < 0 ? fd
                       : pack_layer(f->image, f->recipe, &l->diff_id, s->compression, 0, write_file, &fd, &res, err);

        if (r < 0)
                return r;
        l->blob.digest = res.blob;
        l->blob.size = res.blob_size;
        blob_name(&res.blob, name);
        r = archive_sink_begin(&s->sink, name, res.blob_size, err);
        if (r == 0)
                r = copy_file(s, fd, res.blob_size, err);
        return r < 0 ? r : archive_sink_end(&s->sink, err);
}

static const struct saved_layer *find_layer(const struct save *s, const struct digest *diff_id)
{
        for (size_t i = 0; i < s->n_layers; i++)
                if (digest_equal(&s->layers[i].diff_id, diff_id))
                        return &s->layers[i];
        return NULL;
}

/* Writes the layer, unless it has been written; says what it is there. */
static int save_layer(struct save *s, const struct digest *diff_id, struct descriptor *ret, struct error *err)
{
        const struct saved_layer *found = find_layer(s, diff_id);
        own_layer_files struct layer_files f = { -1, -1, 0 };
        struct saved_layer l = { .diff_id = *diff_id, .blob.media_type = media_type_of_layer(s->compression) };
        int r;

        if (found) {
                *ret = found->blob;
                return 0;
        }
        if (array_grow(&s->layers, &s->layers_cap, s->n_layers + 1, sizeof *s->layers) < 0)
                return out_of_memory(err);
        s->moving = diff_id->text;
        r = host_open_layer(s->host, diff_id, &f.tar_size, &f.image, &f.recipe, err);
        if (r == 0)
                r = s->compression == COMPRESSION_NONE ? save_plain(s, &f, &l, err) : save_compressed(s, &f, &l, err);
        if (r < 0)
                return error_wrap(err, "layer %s", diff_id->text);
        host_progress(s->host, diff_id->text, HOST_DONE, s->sink.size, s->sink.size);
        s->layers[s->n_layers++] = l;
        *ret = l.blob;
        return 0;
}

/* ---- documents ---- */

static int save_document(struct save *s, const struct digest *d, const void *data, size_t n, struct error *err)
{
        char name[BLOB_NAME];

        for (size_t i = 0; i < s->n_documents; i++)
                if (digest_equal(&s->documents[i], d))
                        return 0;
        if (array_grow(&s->documents, &s->documents_cap, s->n_documents + 1, sizeof *s->documents) < 0)
                return out_of_memory(err);
        s->documents[s->n_documents++] = *d;
        blob_name(d, name);
        return archive_sink_add(&s->sink, name, data, n, err);
}

static int read_document(struct save *s, const struct digest *d, struct buf *ret, struct error *err)
{
        int r = host_read_blob(s->host, d, ret, err);

        if (r == 0)
                return error_set(err, ENOENT, "%s is not in the store", d->text);
        return r < 0 ? r : hash_check(ret->data, ret->len, d, err);
}

/* ---- what lists the images ---- */

static void list_descriptor(struct save *s, const char *media_type, const struct digest *d, size_t size,
                            const struct reference *name)
{
        struct json_writer *w = &s->index_writer;
        own_buf struct buf full = {};

        json_begin_object(w, NULL);
        json_write_string(w, "mediaType", media_type);
        json_write_string(w, "digest", d->text);
        json_write_u64(w, "size", size);
        if (name) {
                reference_add(&full, name);
                json_begin_object(w, "annotations");
                json_write_string(w, "io.containerd.image.name", buf_str(&full));
                /* Docker has the tag alone here, and others what a person would write; both read a whole name. */
                json_write_string(w, "org.opencontainers.image.ref.name",
                                  s->docker && *name->tag ? name->tag : buf_str(&full));
                json_end_object(w);
        }
        json_end_object(w);
        s->index.failed |= full.failed;
}

static void list_docker(struct save *s, const struct digest *config, const struct descriptor *layers, size_t n,
                        const struct reference *names, size_t n_names)
{
        struct json_writer *w = &s->docker_writer;
        char name[BLOB_NAME];

        json_begin_object(w, NULL);
        blob_name(config, name);
        json_write_string(w, "Config", name);
        json_begin_array(w, "RepoTags");
        for (size_t i = 0; i < n_names; i++) {
                own_buf struct buf tag = {};

                /* The whole name: what podman finds short, it takes for its own. */
                reference_add_name(&tag, &names[i]);
                buf_addf(&tag, ":%s", names[i].tag);
                if (*names[i].tag)
                        json_write_string(w, NULL, buf_str(&tag));
                s->docker_manifest.failed |= tag.failed;
        }
        json_end_array(w);
        json_begin_array(w, "Layers");
        for (size_t i = 0; i < n; i++) {
                blob_name(&layers[i].digest, name);
                json_write_string(w, NULL, name);
        }
        json_end_array(w);
        json_end_object(w);
}

/* ---- images ---- */

/* Whether the manifest describes the very blobs that were written. */
static bool is_of(const struct image_manifest *m, const struct descriptor *layers, size_t n)
{
        if (m->n_layers != n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!digest_equal(&m->layers[i].digest, &layers[i].digest))
                        return false;
        return true;
}

struct saved_image {
        struct digest digest; /* of the manifest */
        struct buf manifest, config;
        struct image_manifest m;
        struct image_config c;
        struct descriptor *layers;
};

static void saved_image_finish(struct saved_image *i)
{
        buf_finish(&i->manifest);
        buf_finish(&i->config);
        image_manifest_finish(&i->m);
        image_config_finish(&i->c);
        free(i->layers);
}
#define own_saved_image __attribute__((cleanup(saved_image_finish)))

static int read_image(struct save *s, struct saved_image *i, struct error *err)
{
        int r = read_document(s, &i->digest, &i->manifest, err);

        if (r == 0)
                r = image_manifest_read(i->manifest.data, i->manifest.len, NULL, &i->m, err);
        if (r == 0)
                r = read_document(s, &i->m.config.digest, &i->config, err);
        if (r == 0)
                r = image_config_read(i->config.data, i->config.len, &i->c, err);
        if (r < 0)
                return r;
        i->layers = calloc(i->c.n_diff_ids + 1, sizeof *i->layers);
        return i->layers ? 0 : out_of_memory(err);
}

/* A manifest of other blobs than those that were written is of no use. */
static int save_manifest(struct save *s, struct saved_image *i, const char **ret_type, struct error *err)
{
        const struct descriptor config = { .media_type = i->m.config.media_type,
                                           .digest = i->m.config.digest,
                                           .size = i->config.len };
        int r;

        *ret_type = i->m.media_type;
        if (!is_of(&i->m, i->layers, i->c.n_diff_ids)) {
                *ret_type = MEDIA_TYPE_OCI_MANIFEST;
                i->manifest.len = 0;
                image_manifest_write(&i->manifest, &config, i->layers, i->c.n_diff_ids);
                if (buf_failed(&i->manifest))
                        return out_of_memory(err);
                r = hash_of(i->manifest.data, i->manifest.len, &i->digest, err);
                if (r < 0)
                        return r;
        }
        return save_document(s, &i->digest, i->manifest.data, i->manifest.len, err);
}

static int save_image(struct save *s, const struct digest *manifest, const struct reference *names, size_t n_names,
                      struct error *err)
{
        own_saved_image struct saved_image i = { .digest = *manifest };
        const char *type = NULL;
        int r = read_image(s, &i, err);

        for (size_t k = 0; r == 0 && k < i.c.n_diff_ids; k++)
                r = save_layer(s, &i.c.diff_ids[k], &i.layers[k], err);
        if (r == 0)
                r = save_document(s, &i.m.config.digest, i.config.data, i.config.len, err);
        if (r == 0)
                r = save_manifest(s, &i, &type, err);
        if (r < 0)
                return r;
        for (size_t k = 0; k < n_names || k == 0; k++)
                list_descriptor(s, type, &i.digest, i.manifest.len, n_names ? &names[k] : NULL);
        if (s->docker)
                list_docker(s, &i.m.config.digest, i.layers, i.c.n_diff_ids, names, n_names);
        return 0;
}

/* ---- the job ---- */

static int save_listed(struct save *s, struct json_object *image, struct error *err)
{
        own_mem struct reference *names = NULL;
        struct json_object *list = NULL;
        const char *manifest = NULL;
        struct digest d;
        size_t n;
        int r = json_is_object(image) ? json_get_string(image, "manifest", &manifest, err) : 0;

        if (r == 0)
                r = error_set(err, EINVAL, "an image without manifest");
        if (r > 0)
                r = digest_parse(manifest, &d, err);
        if (r == 0)
                r = json_get_array(image, "names", &list, err);
        if (r < 0)
                return r;
        n = r > 0 ? json_array_size(list) : 0;
        names = calloc(n + 1, sizeof *names);
        if (!names)
                return out_of_memory(err);
        for (size_t i = 0; i < n; i++) {
                const char *name = json_string_value(json_array_item(list, i));

                r = reference_parse(name ? name : "", &names[i], err);
                if (r < 0)
                        return r;
        }
        return save_image(s, &d, names, n, err);
}

static void begin_lists(struct save *s)
{
        s->index_writer = (struct json_writer){ .out = &s->index };
        s->docker_writer = (struct json_writer){ .out = &s->docker_manifest };
        json_begin_object(&s->index_writer, NULL);
        json_write_u64(&s->index_writer, "schemaVersion", 2);
        json_write_string(&s->index_writer, "mediaType", MEDIA_TYPE_OCI_INDEX);
        json_begin_array(&s->index_writer, "manifests");
        json_begin_array(&s->docker_writer, NULL);
}

static int end_lists(struct save *s, struct error *err)
{
        static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
        int r;

        json_end_array(&s->index_writer);
        json_end_object(&s->index_writer);
        json_end_array(&s->docker_writer);
        if (buf_failed(&s->index) || buf_failed(&s->docker_manifest))
                return out_of_memory(err);
        r = archive_sink_add(&s->sink, "oci-layout", layout, sizeof layout - 1, err);
        if (r == 0 && s->docker)
                r = archive_sink_add(&s->sink, "manifest.json", s->docker_manifest.data, s->docker_manifest.len, err);
        if (r == 0)
                r = archive_sink_add(&s->sink, "index.json", s->index.data, s->index.len, err);
        return r < 0 ? r : archive_sink_close(&s->sink, err);
}

static int read_compression(struct json_object *job, enum compression *ret, struct error *err)
{
        const char *name = NULL;
        int r = json_get_string(job, "compression", &name, err);

        if (r <= 0)
                return r;
        if (strcmp(name, "gzip") == 0)
                *ret = COMPRESSION_GZIP;
        else if (strcmp(name, "zstd") == 0)
                *ret = COMPRESSION_ZSTD;
        else if (strcmp(name, "none") != 0)
                return error_set(err, EINVAL, "unknown compression \"%.100s\"", name);
        return 0;
}

static int read_format(struct json_object *job, bool *ret_docker, bool *ret_directory, struct error *err)
{
        const char *format = "docker-archive";
        int r = json_get_string(job, "format", &format, err);

        if (r < 0)
                return r;
        *ret_docker = strcmp(format, "docker-archive") == 0;
        *ret_directory = strcmp(format, "oci-dir") == 0;
        if (!*ret_docker && !*ret_directory && strcmp(format, "oci-archive") != 0)
                return error_set(err, EINVAL, "unknown format \"%.100s\"", format);
        return 0;
}

int operation_save(struct host *h, struct json_object *job, int output, struct error *err)
{
        own_save struct save s = { .host = h };
        struct json_object *images = NULL;
        bool directory = false;
        int r = read_format(job, &s.docker, &directory, err);

        archive_sink_init(&s.sink, output, directory);
        if (r == 0)
                r = read_compression(job, &s.compression, err);
        if (r == 0)
                r = json_get_array(job, "images", &images, err);
        if (r < 0)
                return r;
        begin_lists(&s);
        for (size_t i = 0; r > 0 && i < json_array_size(images); i++) {
                if (save_listed(&s, json_array_item(images, i), err) < 0)
                        return -err->code;
        }
        return end_lists(&s, err);
}
