/* SPDX-License-Identifier: Apache-2.0 */
/* Private to archive*.c: images, as the manifests of an archive describe them. */
#pragma once

#include "fetch/archive.h"
#include "fetch/archive_docker.h"

struct archive_part { /* a layer in the archive */
        const char *name;
        const struct digest *blob; /* NULL: nobody says */
        uint64_t blob_size;        /* UINT64_MAX: likewise */
};

struct archive_image {
        const char *config; /* its text, whose digest has been taken */
        size_t config_len;
        const char *config_type;
        struct digest config_digest;
        const struct archive_part *parts;
        size_t n_parts;
        const char *manifest; /* its text, likewise; NULL: there is none, and one is made */
        size_t manifest_len;
        const char *manifest_type;
        struct digest manifest_digest;
};

/* Hands layers, configuration and manifest over to the host. */
int archive_image_hand_over(struct archive *a, struct archive_image *image, struct error *err);

/* Then: gives it these names, or none, and tells the results. What is no reference is warned of. */
int archive_image_name(struct archive *a, const struct archive_image *image, const char *const *names, size_t n,
                       struct error *err);

/* All images of manifest.json. */
int archive_load_docker(struct archive *a, const struct docker_archive *d, struct error *err);

/* All images of index.json, with the names that manifest.json has for them as well (Docker writes both). */
int archive_load_layout(struct archive *a, const struct docker_archive *d, const struct platform *platform,
                        struct error *err);
