/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests and indexes: image-spec 1.1 (manifest.md, image-index.md, descriptor.md) and Docker's schema 2, which
 * differ by names of media types alone. What is read comes from strangers: every size, digest and list is checked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "oci/digest.h"

enum {
        MANIFEST_MAX = 4 << 20, /* bytes; distribution-spec: a registry takes at least 4 MiB */
        MANIFEST_MAX_LAYERS = 500,
        MANIFEST_MAX_ENTRIES = 1000, /* of an index */
};

enum media_type {
        MEDIA_OTHER,
        MEDIA_MANIFEST,
        MEDIA_INDEX,
        MEDIA_CONFIG,
        MEDIA_LAYER,         /* a tar archive */
        MEDIA_LAYER_FOREIGN, /* not for distribution: may have to come from its urls */
};

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_XZ };

#define MEDIA_TYPE_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_TYPE_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_TYPE_DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_TYPE_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_TYPE_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"

/* What a media type means; *ret_compression may be NULL. */
enum media_type media_type_of(const char *name, enum compression *ret_compression);

/* The OCI name of a layer compressed so. */
const char *media_type_of_layer(enum compression c);

struct platform { /* strings are never NULL */
        const char *os, *architecture, *variant, *os_version;
};

/* "linux/arm64/v8", "linux/amd64", "arm64": into text[], which the strings of *ret point to. */
int platform_parse(const char *text, char storage[128], struct platform *ret, struct error *err);

/* Whether an image for the one will do for the other; a variant that is not said fits any. */
bool platform_fits(const struct platform *have, const struct platform *want);

/* Of this host, in Go's words: { "linux", "amd64", "", "" }. */
struct platform platform_host(void);

struct descriptor {
        const char *media_type;
        struct digest digest;
        uint64_t size;
        struct platform platform; /* in an index */
        struct json_object *annotations;
        const char **urls; /* NULL-terminated; NULL: none */
};

struct image_manifest {
        const char *media_type; /* of the manifest itself */
        struct descriptor config;
        struct descriptor *layers;
        size_t n_layers;
        struct json_object *json; /* owns the strings */
        struct arena arena;
};

struct image_index {
        const char *media_type;
        struct descriptor *manifests;
        size_t n_manifests;
        struct json_object *json;
        struct arena arena;
};

/* media_type: what the server called it, or NULL: then the document's own word, or its shape, says it. */
int image_manifest_read(const char *text, size_t len, const char *media_type, struct image_manifest *ret,
                        struct error *err);
void image_manifest_finish(struct image_manifest *m);
#define own_image_manifest __attribute__((cleanup(image_manifest_finish)))

int image_index_read(const char *text, size_t len, const char *media_type, struct image_index *ret, struct error *err);
void image_index_finish(struct image_index *i);
#define own_image_index __attribute__((cleanup(image_index_finish)))

/* The first manifest that fits best (an arm64 host takes v8 and none), or NULL. */
const struct descriptor *image_index_find(const struct image_index *i, const struct platform *p);

/* MEDIA_MANIFEST, MEDIA_INDEX or MEDIA_OTHER: what the document says that it is. */
enum media_type image_document_kind(const char *text, size_t len, const char *media_type);

/* Appends a manifest in OCI's words. The descriptors need media_type, digest and size. */
void image_manifest_write(struct buf *out, const struct descriptor *config, const struct descriptor *layers, size_t n);
