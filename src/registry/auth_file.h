/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials for registries, where Docker and podman keep them: auth.json (containers-auth.json(5):
 * $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json, ~/.config/containers/auth.json) and ~/.docker/config.json
 * ($DOCKER_CONFIG), with their credential helpers (docker-credential-NAME).
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct auth {
        char *username, *password, *identity_token; /* malloc'ed; "" when absent */
        char *source;                               /* the file that they were found in or by; malloc'ed, may be NULL */
};

void auth_finish(struct auth *a);
#define own_auth __attribute__((cleanup(auth_finish)))

/*
 * What is kept for the registry ("docker.io" also under its old names) or, better, the longest part of
 * registry/repository. file: --authfile, or NULL for the usual places. 1, or 0 when there is nothing.
 */
int auth_find(const char *file, const char *registry, const char *repository, struct auth *ret, struct error *err);

/* Keeps them (a helper, when the file names one); the file is replaced as a whole, mode 0600, other members stay. */
int auth_store(const char *file, const char *registry, const struct auth *a, struct error *err);

/* Removes them: -ENOENT when there are none. registry NULL: all. */
int auth_remove(const char *file, const char *registry, struct error *err);

/* The file's members "auths", read from a text: for auth_find() and its fuzzer. 1 or 0. */
int auth_read(const char *text, size_t len, const char *registry, const char *repository, struct auth *ret,
              struct error *err);
