/* SPDX-License-Identifier: Apache-2.0 */
/* Layers and images that look like some: digests are made of a seed, content is not read by the store. */
#pragma once

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "store/erofs_format.h"
#include "store/store.h"
#include "sys/fd.h"

static inline struct digest seed_digest(const char *seed)
{
        struct digest d = { "sha256:" };
        uint64_t h = 0xcbf29ce484222325;

        for (const char *c = seed; *c; c++)
                h = (h ^ (unsigned char)*c) * 0x100000001b3;
        for (int i = 0; i < 4; i++) {
                h ^= h >> 29;
                h *= 0xbf58476d1ce4e5b9;
                h ^= h >> 32;
                snprintf(d.text + 7 + i * 16, 17, "%016llx", (unsigned long long)h);
        }
        return d;
}

/* A file with the superblock of an EROFS image, and zeros. */
static inline int seed_file(struct store *s, uint64_t size, struct error *err)
{
        struct erofs_super super = { .magic = htole32(EROFS_MAGIC), .blocks = htole32((uint32_t)(size / EROFS_BLOCK)) };
        own_fd int fd = store_new_file(s, err);

        if (fd < 0)
                return fd;
        if (pwrite(fd, &super, sizeof super, EROFS_SUPER_OFFSET) < 0 || ftruncate(fd, (off_t)size) < 0)
                return error_errno(err, errno, "write a layer");
        return take_fd(&fd);
}

/* Returns the pin. */
static inline int seed_layer(struct store *s, const char *seed, uint64_t size, struct error *err)
{
        struct layer_info info = { .diff_id = seed_digest(seed), .tar_size = size + 1 };
        own_fd int image = seed_file(s, size, err), recipe = store_new_file(s, err);

        if (image < 0 || recipe < 0)
                return -err->code;
        if (write(recipe, "recipe", 6) != 6)
                return error_errno(err, errno, "write a recipe");
        return store_layer_add(s, &info, image, recipe, err);
}

static inline int seed_blob(struct store *s, const struct digest *d, const char *media_type, const struct buf *text,
                            struct error *err)
{
        own_fd int fd = -1;
        int r;

        if (buf_failed(text))
                return error_set(err, ENOMEM, "out of memory");
        fd = store_new_file(s, err);
        r = fd < 0 ? fd : fd_write_all(fd, buf_str(text), text->len);
        if (r < 0)
                return fd < 0 ? fd : error_errno(err, -r, "write a blob");
        return store_blob_add(s, d, media_type, fd, err);
}

/* The configuration and the manifest of an image of these layers; seed tells images of the same layers apart. */
static inline int seed_documents(struct store *s, const char *seed, const char *const *layers, size_t n,
                                 struct digest *ret_manifest, struct error *err)
{
        own_buf struct buf config = {}, manifest = {};
        struct digest id, blob;
        char text[300];
        int r;

        buf_addf(&config,
                 "{\"created\":\"2024-05-06T07:08:09Z\",\"os\":\"linux\",\"architecture\":\"amd64\",\"author\":\"%s\","
                 "\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
                 seed);
        for (size_t i = 0; i < n; i++) {
                blob = seed_digest(layers[i]);
                buf_addf(&config, "%s\"%s\"", i ? "," : "", blob.text);
        }
        buf_add_str(&config, "]}}");
        snprintf(text, sizeof text, "config of %s", seed);
        id = seed_digest(text);
        buf_addf(&manifest,
                 "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\","
                 "\"size\":%zu},\"layers\":[",
                 MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_CONFIG, id.text, config.len);
        for (size_t i = 0; i < n; i++) {
                blob = seed_digest("a layer's blob");
                buf_addf(&manifest, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":5}", i ? "," : "",
                         MEDIA_TYPE_OCI_LAYER, blob.text);
        }
        buf_add_str(&manifest, "]}");
        snprintf(text, sizeof text, "manifest of %s", seed);
        *ret_manifest = seed_digest(text);
        r = seed_blob(s, &id, MEDIA_TYPE_OCI_CONFIG, &config, err);
        return r < 0 ? r : seed_blob(s, ret_manifest, MEDIA_TYPE_OCI_MANIFEST, &manifest, err);
}

static inline struct digest seed_id(const char *seed)
{
        char text[300];

        snprintf(text, sizeof text, "config of %s", seed);
        return seed_digest(text);
}

/* Adds what is missing of it; name NULL: none. */
static inline int seed_image(struct store *s, const char *seed, const char *const *layers, size_t n, const char *name,
                             uint64_t size, struct error *err)
{
        struct reference ref;
        struct digest manifest;
        int pins[64], r = 0;
        size_t done = 0;

        for (; done < n && r >= 0; done += r >= 0) {
                r = seed_layer(s, layers[done], size, err);
                pins[done] = r;
        }
        if (r >= 0)
                r = seed_documents(s, seed, layers, n, &manifest, err);
        if (r >= 0 && name)
                r = reference_parse(name, &ref, err);
        if (r >= 0)
                r = store_image_add(s, &manifest, name ? &ref : NULL, err);
        while (done-- > 0)
                close(pins[done]);
        return r < 0 ? r : 0;
}
