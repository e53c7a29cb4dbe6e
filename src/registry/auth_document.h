/* SPDX-License-Identifier: Apache-2.0 */
/* What an auth file says; private to the auth_*.c files. */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "registry/auth_file.h"

/* What Docker calls its registry in its file and to its helpers. */
#define AUTH_DOCKER_KEY "https://index.docker.io/v1/"

enum { AUTH_FILE_MAX = 4 << 20 };

/* Hands them on: *a is empty then. */
struct auth auth_take(struct auth *a);

/*
 * How well a key of the file fits registry/repository (repository NULL: the registry alone, exactly): 0 not at all,
 * else the larger the better.
 */
size_t auth_key_fits(const char *key, const char *registry, const char *repository);

/* What the root's "auths" have for it: 1 or 0. */
int auth_entry_find(struct json_object *root, const char *registry, const char *repository, struct auth *ret,
                    struct error *err);

struct auth_helper {
        const char *name;   /* of docker-credential-NAME; lives as long as the root */
        const char *server; /* what it calls the registry: likewise, or as long as the arguments */
};

/* The helper that the file names for it: 1 or 0. */
int auth_helper_find(struct json_object *root, const char *registry, const char *repository, struct auth_helper *ret,
                     struct error *err);

/* 1, or 0 when the helper has nothing. */
int auth_helper_get(const struct auth_helper *h, struct auth *ret, struct error *err);
int auth_helper_store(const struct auth_helper *h, const struct auth *a, struct error *err);
/* 1, or 0 when there was nothing. */
int auth_helper_erase(const struct auth_helper *h, struct error *err);

/* An object that fills the whole text. */
int auth_document_parse(const char *text, size_t len, struct json_object **ret, struct error *err);

/* The file's root: 1, or 0 when there is no such file. */
int auth_file_read(const char *path, struct json_object **ret, struct error *err);

enum { AUTH_PLACES = 3 };

/* The usual files, in the order in which they count; malloc'ed, some may be NULL. */
struct auth_places {
        char *path[AUTH_PLACES];
};

int auth_places_find(const char *file, struct auth_places *ret, struct error *err);
void auth_places_finish(struct auth_places *p);
#define own_auth_places __attribute__((cleanup(auth_places_finish)))
