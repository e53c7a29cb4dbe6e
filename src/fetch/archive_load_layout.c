/* SPDX-License-Identifier: Apache-2.0 */
/* Images of an OCI layout (image-spec 1.1, image-layout.md). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/archive_image.h"
#include "fetch/hash.h"

enum { MAX_DEPTH = 4, MAX_NAMES = 1000, BLOB_NAME = 160 };

struct load {
        struct archive *archive;
        const struct docker_archive *docker;
        const struct platform *platform;
};

/* ---- blobs ---- */

static void blob_name(const struct digest *d, char ret[BLOB_NAME])
{
        snprintf(ret, BLOB_NAME, "blobs/%.*s/%s", (int)strcspn(d->text, ":"), d->text, digest_hex(d));
}

static int read_blob(struct load *l, const struct descriptor *d, const char **ret, size_t *ret_len, struct error *err)
{
        char name[BLOB_NAME];
        int r;

        blob_name(&d->digest, name);
        r = archive_document(l->archive, name, ret, ret_len, err);
        if (r == 0)
                return error_set(err, ENOENT, "%s is not in the archive", name);
        if (r > 0 && *ret_len != d->size)
                return error_set(err, EBADMSG, "%s: it has %zu bytes instead of %llu", name, *ret_len,
                                 (unsigned long long)d->size);
        if (r > 0)
                r = hash_check(*ret, *ret_len, &d->digest, err);
        return r < 0 ? error_wrap(err, "%s", name) : 0;
}

/* ---- names ---- */

struct names {
        const char *list[MAX_NAMES];
        size_t n;
};

static void add_name(struct names *names, const char *name)
{
        for (size_t i = 0; i < names->n; i++)
                if (strcmp(names->list[i], name) == 0)
                        return;
        if (names->n < MAX_NAMES)
                names->list[names->n++] = name;
}

static int add_annotated(struct names *names, const struct descriptor *d, struct error *err)
{
        const char *name = NULL;
        int r = d->annotations ? json_get_string(d->annotations, "io.containerd.image.name", &name, err) : 0;

        if (r == 0 && d->annotations)
                r = json_get_string(d->annotations, "org.opencontainers.image.ref.name", &name, err);
        /* The latter is often but a tag, which is no name of an image. */
        if (r > 0 && strpbrk(name, "/:"))
                add_name(names, name);
        return r < 0 ? r : 0;
}

/* What manifest.json says of the same configuration. */
static void add_docker_names(struct names *names, const struct docker_archive *docker, const struct digest *config)
{
        char name[BLOB_NAME];

        blob_name(config, name);
        for (size_t i = 0; i < docker->n_images; i++) {
                if (strcmp(docker->images[i].config, name) != 0)
                        continue;
                for (size_t k = 0; k < docker->images[i].n_names; k++)
                        add_name(names, docker->images[i].names[k]);
        }
}

/* ---- images ---- */

static int name_image(struct load *l, const struct archive_image *image, const struct descriptor *named,
                      struct error *err)
{
        own_mem struct names *names = calloc(1, sizeof *names);
        int r;

        if (!names)
                return error_set(err, ENOMEM, "out of memory");
        r = add_annotated(names, named, err);
        if (r < 0)
                return r;
        /* Docker's names may be short, where the annotation has the full one. */
        if (!names->n)
                add_docker_names(names, l->docker, &image->config_digest);
        return archive_image_name(l->archive, image, names->list, names->n, err);
}

static int hand_over(struct load *l, const struct image_manifest *m, struct archive_image *image, struct error *err)
{
        own_mem struct archive_part *parts = calloc(m->n_layers + 1, sizeof *parts);
        own_mem char *names = calloc(m->n_layers + 1, BLOB_NAME);

        if (!parts || !names)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < m->n_layers; i++) {
                parts[i] = (struct archive_part){ names + i * BLOB_NAME, &m->layers[i].digest, m->layers[i].size };
                blob_name(&m->layers[i].digest, names + i * BLOB_NAME);
        }
        image->parts = parts;
        image->n_parts = m->n_layers;
        image->config_digest = m->config.digest;
        image->config_type = m->config.media_type;
        if (read_blob(l, &m->config, &image->config, &image->config_len, err) < 0)
                return -err->code;
        return archive_image_hand_over(l->archive, image, err);
}

/* named: the descriptor of index.json by which the image was found. */
static int load_manifest(struct load *l, const struct descriptor *d, const struct descriptor *named, struct error *err)
{
        own_image_manifest struct image_manifest m = {};
        struct archive_image image = { .manifest_digest = d->digest };
        int r = read_blob(l, d, &image.manifest, &image.manifest_len, err);

        if (r == 0)
                r = image_manifest_read(image.manifest, image.manifest_len, d->media_type, &m, err);
        if (r < 0)
                return r;
        image.manifest_type = m.media_type;
        r = hand_over(l, &m, &image, err);
        return r < 0 ? r : name_image(l, &image, named, err);
}

/* The one image of an index inside of the index, and so on. */
static int load_index(struct load *l, const struct descriptor *d, const struct descriptor *named, int depth,
                      struct error *err)
{
        own_image_index struct image_index i = {};
        const struct descriptor *found;
        const char *text = NULL;
        size_t len = 0;
        int r = read_blob(l, d, &text, &len, err);

        if (r == 0)
                r = image_index_read(text, len, d->media_type, &i, err);
        if (r < 0)
                return r;
        found = image_index_find(&i, l->platform);
        if (!found)
                return error_set(err, ENOENT, "it has no image for %s/%s", l->platform->os, l->platform->architecture);
        if (media_type_of(found->media_type, NULL) != MEDIA_INDEX)
                return load_manifest(l, found, named, err);
        return depth < MAX_DEPTH ? load_index(l, found, named, depth + 1, err)
                                 : error_set(err, ELOOP, "indexes inside of indexes");
}

/* ---- index.json ---- */

static bool fits(struct load *l, struct descriptor *d)
{
        const struct image_index one = { .manifests = d, .n_manifests = 1 };

        return !*d->platform.os || image_index_find(&one, l->platform);
}

/* Notes on other manifests are listed like images. */
static bool is_image(const struct descriptor *d)
{
        enum media_type type = media_type_of(d->media_type, NULL);
        const char *kind = NULL;
        struct error err;

        if (d->annotations && json_get_string(d->annotations, "vnd.docker.reference.type", &kind, &err) > 0)
                return false;
        return type == MEDIA_MANIFEST || type == MEDIA_INDEX;
}

static int load_all(struct load *l, const struct image_index *i, struct error *err)
{
        bool any = false, loaded = false;

        for (size_t k = 0; k < i->n_manifests; k++)
                any |= is_image(&i->manifests[k]) && fits(l, &i->manifests[k]);
        for (size_t k = 0; k < i->n_manifests; k++) {
                struct descriptor *d = &i->manifests[k];
                int r;

                /* An image for another platform is taken when there is no other. */
                if (!is_image(d) || (any && !fits(l, d)))
                        continue;
                r = media_type_of(d->media_type, NULL) == MEDIA_INDEX ? load_index(l, d, d, 1, err)
                                                                      : load_manifest(l, d, d, err);
                if (r < 0)
                        return error_wrap(err, "image %s", d->digest.text);
                loaded = true;
        }
        return loaded ? 0 : error_set(err, ENOENT, "there are no images in the layout");
}

int archive_load_layout(struct archive *a, const struct docker_archive *d, const struct platform *platform,
                        struct error *err)
{
        own_image_index struct image_index i = {};
        struct load l = { a, d, platform };
        const char *text = NULL;
        size_t len = 0;
        int r = archive_document(a, "index.json", &text, &len, err);

        if (r == 0)
                return error_set(err, ENOENT, "index.json is not in the archive");
        if (r > 0)
                r = image_index_read(text, len, MEDIA_TYPE_OCI_INDEX, &i, err);
        if (r < 0)
                return error_wrap(err, "index.json");
        return load_all(&l, &i, err);
}
