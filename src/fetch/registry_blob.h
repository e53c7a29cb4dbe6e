/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on their way here: a stream that goes on where it was cut. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "fetch/registry.h"
#include "oci/digest.h"

struct blob_stream {
        const struct digest *digest;
        uint64_t size;
        int (*write)(void *userdata, const void *data, size_t n, struct error *err);
        void (*moved)(void *userdata, uint64_t done); /* after each write() */
        void (*retrying)(void *userdata);
        void *userdata;

        uint64_t done;  /* bytes that write() has had: begin with 0; may go on with another registry */
        char etag[128]; /* of the place where they came from: likewise "" */
        uint64_t skip;  /* what the server sends once more */
};

/*
 * Gives the rest of the blob to write(); the digest is the caller's to check. It goes on by itself where it was cut.
 * -EBADMSG when the size is another one.
 */
int registry_stream_blob(struct registry *r, struct http *http, struct blob_stream *b, struct error *err);

/* The same from an address of a manifest ("urls"): without credentials. */
int registry_stream_url(struct http *http, const char *url, struct blob_stream *b, struct error *err);
