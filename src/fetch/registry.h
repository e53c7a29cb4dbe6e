/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository of one registry (OCI distribution-spec 1.1): where it is, whom it believes, what to show it. May be
 * used by many threads at once, each with a struct http of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "fetch/host.h"
#include "fetch/http.h"
#include "oci/digest.h"

struct registry;

struct registry_options {
        struct host *host;              /* for credentials */
        const char *name;               /* "docker.io", "localhost:5000" */
        const char *repository;         /* "" when there is none */
        bool insecure;                  /* https without certificates or http will do */
        const struct http_trust *trust; /* NULL: as certs.d has it */
};

/* Asks the registry what it wants to see. *ret is for registry_close(). */
int registry_open(const struct registry_options *o, struct http *http, struct registry **ret, struct error *err);
void registry_close(struct registry *r);

static inline void registry_close_(struct registry **r)
{
        registry_close(*r);
}
#define own_registry __attribute__((cleanup(registry_close_)))

/* "registry/repository" */
const char *registry_place(const struct registry *r);
const char *registry_name(const struct registry *r);
const char *registry_repository(const struct registry *r);
const struct http_trust *registry_trust(const struct registry *r);

/* The address of a path below /v2/, or of one below /v2/REPOSITORY/; malloc'ed, NULL without memory. */
char *registry_url(const struct registry *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *registry_repository_url(const struct registry *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a request is for, in the words of token services; with blanks between several. */
int registry_pull_scope(const struct registry *r, char **ret);
int registry_push_scope(const struct registry *r, const char *from, char **ret); /* from: another repository or NULL */

/*
 * http_perform() with the credentials that the registry wants (and only for it: an address of another host is asked
 * without). authorization and trust of the request are set here.
 */
int registry_send(struct registry *r, struct http *http, const char *scopes, struct http_request *q,
                  struct http_response *ret, struct error *err);

/* The error for an answer that is not the wanted one: -EACCES, -ENOENT, -EBUSY (too many requests), -EIO. */
int registry_refused(const struct http_response *response, struct error *err);

/* A token of the login service that outlives the session, if the registry gives such; malloc'ed or NULL. -EACCES. */
int registry_login(struct registry *r, struct http *http, char **ret_identity, struct error *err);
