/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.json of a docker-archive (moby, image/spec/spec.md). */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct docker_image {
        const char *config; /* names in the archive */
        const char **layers;
        const char **names; /* RepoTags */
        size_t n_layers, n_names;
};

struct docker_archive {
        struct docker_image *images;
        size_t n_images;
        struct json_object *json; /* owns the strings */
        struct arena arena;
};

int docker_archive_read(const char *text, size_t len, struct docker_archive *ret, struct error *err);
void docker_archive_finish(struct docker_archive *d);
#define own_docker_archive __attribute__((cleanup(docker_archive_finish)))
