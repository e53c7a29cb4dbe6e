/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, indexes and configurations: small documents, checked by their digest. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "fetch/registry.h"
#include "oci/digest.h"
#include "oci/image_manifest.h"

struct document {
        struct buf text;
        struct digest digest;
        char media_type[128]; /* what the server calls it; "" when it does not say anything of use */
};

void document_finish(struct document *d);
#define own_document __attribute__((cleanup(document_finish)))

/* The manifest or index of a tag or digest. */
int registry_get_manifest(struct registry *r, struct http *http, const char *tag_or_digest, struct document *ret,
                          struct error *err);

/* The blob, which has this digest and size; at most MANIFEST_MAX bytes. */
int registry_get_small_blob(struct registry *r, struct http *http, const struct digest *digest, uint64_t size,
                            struct buf *ret, struct error *err);

int registry_put_manifest(struct registry *r, struct http *http, const char *tag_or_digest, const struct document *d,
                          struct error *err);
