/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on their way to a registry (distribution-spec: Pushing blobs). */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "fetch/registry.h"
#include "oci/digest.h"

/* Whether the repository has the blob: 1 or 0. */
int registry_has_blob(struct registry *r, struct http *http, const struct digest *digest, struct error *err);

/* Takes it over from another repository of the registry: 1, or 0 when the registry does not do that. */
int registry_mount_blob(struct registry *r, struct http *http, const struct digest *digest, const char *from,
                        struct error *err);

struct upload {
        const struct digest *digest;
        struct http_body body; /* all of it: from offset 0 */
        uint64_t chunk_size;   /* bytes a request; 0: all in one */
        void (*moved)(void *userdata, uint64_t done);
        void (*retrying)(void *userdata);
        void *userdata;
};

/* After a cut it goes on where the registry says that it was. */
int registry_upload_blob(struct registry *r, struct http *http, const struct upload *u, struct error *err);
