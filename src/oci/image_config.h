/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of an image (image-spec 1.1, config.md; Docker's has the same form and a few members more): what to
 * run in it, and of which layers it is made. The bytes are the image's identity: they are kept as they came.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "oci/digest.h"
#include "oci/image_manifest.h"
#include "oci/runtime_spec.h"

struct image_history {
        const char *created, *created_by, *author, *comment; /* never NULL */
        bool empty_layer;
};

struct image_config { /* strings are never NULL; lists as in runtime_spec.h */
        const char *created, *author, *user, *working_dir, *stop_signal;
        struct platform platform;
        struct str_list env, entrypoint, cmd, shell, exposed_ports, volumes;
        struct str_map labels;
        struct json_object *healthcheck; /* Docker's, or NULL */
        struct digest *diff_ids;
        size_t n_diff_ids;
        struct image_history *history;
        size_t n_history;
        struct json_object *json; /* owns the strings */
        struct arena arena;
};

int image_config_read(const char *text, size_t len, struct image_config *ret, struct error *err);
void image_config_finish(struct image_config *c);
#define own_image_config __attribute__((cleanup(image_config_finish)))
