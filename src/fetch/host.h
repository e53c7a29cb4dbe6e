/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holt-fetch asks of the process that started it (registry/transfer_protocol.h). holt-fetch has no file system and
 * no store: files come as descriptors, credentials as strings, and what it has made goes back by name of descriptor.
 * All functions may be called from any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "oci/digest.h"
#include "oci/image_manifest.h"

struct host;

/* An empty file, open for reading and writing: becomes a layer, a recipe or a blob when it is handed back. */
int host_new_file(struct host *h, struct error *err);

/* Whether the layer is in the store; it is pinned until the end then: 1 or 0. */
int host_has_layer(struct host *h, const struct digest *diff_id, struct error *err);

/* Descriptors of a layer's image and recipe; *ret_tar_size (may be NULL): bytes of its archive. -ENOENT. */
int host_open_layer(struct host *h, const struct digest *diff_id, uint64_t *ret_tar_size, int *ret_image,
                    int *ret_recipe, struct error *err);

/* Appends a blob (manifest, configuration). 1, or 0 when the store has none. */
int host_read_blob(struct host *h, const struct digest *d, struct buf *ret, struct error *err);

struct host_layer_blob { /* as struct layer_blob in store/store.h */
        struct digest digest;
        uint64_t size;
        enum compression compression;
        bool ours;
        char source[512];
};

/* The known compressed forms of a layer; *ret is malloc'ed. Returns their number. */
int host_layer_blobs(struct host *h, const struct digest *diff_id, struct host_layer_blob **ret, struct error *err);
int host_add_layer_blob(struct host *h, const struct digest *diff_id, const struct host_layer_blob *b,
                        struct error *err);

/* Hands a layer over. The descriptors stay the caller's. */
int host_add_layer(struct host *h, const struct digest *diff_id, uint64_t tar_size, int image, int recipe,
                   struct error *err);

/* Hands over a blob whose digest has been checked. */
int host_add_blob(struct host *h, const struct digest *d, const char *media_type, const void *data, size_t n,
                  struct error *err);

/* The image is whole: manifest, configuration and layers were handed over. name: the full reference, or NULL; a digest
 * in it (of the index that the manifest is in) is one more name for the image in its repository. */
int host_add_image(struct host *h, const struct digest *manifest, const char *name, struct error *err);

struct host_credentials {
        char *username, *password; /* "" when there are none */
        char *identity_token;      /* an OAuth2 refresh token instead, or "" */
};

/* registry: as in references ("docker.io"); repository: credentials may be kept for a part of it. */
int host_credentials(struct host *h, const char *registry, const char *repository, struct host_credentials *ret,
                     struct error *err);
void host_credentials_finish(struct host_credentials *c);
#define own_host_credentials __attribute__((cleanup(host_credentials_finish)))

/* A place where a repository may be had, in the order to try (registries.conf: mirrors first, then the registry). */
struct host_endpoint {
        char *registry;   /* host[:port] as a reference names it: for credentials */
        char *repository; /* there */
        bool insecure;    /* certificates are not checked, and plain http will do */
};

/* for_push: mirrors are left out. *ret ends with registry == NULL; host_endpoints_free(). */
int host_endpoints(struct host *h, const char *registry, const char *repository, bool for_push,
                   const char *tag_or_digest, struct host_endpoint **ret, struct error *err);
void host_endpoints_free(struct host_endpoint *e);

enum host_progress_state {
        HOST_WAITING,
        HOST_EXISTS, /* nothing to do: it is there already */
        HOST_TRANSFERRING,
        HOST_RETRYING,
        HOST_DONE,
        HOST_MOUNTED, /* pushed by a mount from another repository */
};

/* id: what moves: a blob's digest. Sent at most every 50 ms for one id unless the state changes. */
void host_progress(struct host *h, const char *id, enum host_progress_state state, uint64_t done, uint64_t total);

/* Something to tell that stops nothing. */
void host_warning(struct host *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What --debug shows: not sent without it. No secrets. */
void host_debug(struct host *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One result of a search, one line of output of an operation: a JSON object as text. */
int host_result(struct host *h, const char *json, struct error *err);
