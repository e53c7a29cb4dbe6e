/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the registry_push*.c files. */
#pragma once

#include "fetch/host.h"
#include "fetch/registry.h"
#include "oci/image_config.h"
#include "oci/image_manifest.h"

struct push {
        struct host *host;
        struct registry *registry;
        const struct image_manifest *manifest;
        const struct image_config *config;
        bool any_compression;
        enum compression compression; /* otherwise */
        int level;
        uint64_t chunk_size;
        unsigned parallel;
};

/* All layers are in the repository afterwards; layers[] (as many as the manifest has) says as what. */
int push_layers(struct push *p, struct descriptor *layers, struct error *err);
