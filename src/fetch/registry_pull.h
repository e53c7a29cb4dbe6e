/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the registry_pull*.c files. */
#pragma once

#include "fetch/registry_document.h"
#include "fetch/registry_sources.h"
#include "oci/image_config.h"
#include "oci/image_manifest.h"

struct pull {
        struct host *host;
        struct http *http; /* of the first thread */
        struct sources *sources;
        unsigned parallel;
        struct platform platform;
};

/* Brings all layers that the host does not have. */
int pull_layers(struct pull *p, const struct image_manifest *manifest, const struct image_config *config,
                struct error *err);

/* Appends the repository's tags, with a NUL behind each. -ENOENT: there are none. */
int registry_get_tags(struct registry *r, struct http *http, struct buf *ret, struct error *err);
