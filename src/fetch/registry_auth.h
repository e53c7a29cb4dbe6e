/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry wants to see, and the tokens that it has given; private to registry.c. Any thread may call. */
#pragma once

#include "fetch/host.h"
#include "fetch/http.h"

struct registry_auth;

struct registry_auth *registry_auth_new(struct host *h, const char *registry, const char *repository);
void registry_auth_free(struct registry_auth *a);

/* An answer with status 401 says what is wanted. */
int registry_auth_challenge(struct registry_auth *a, const struct http_response *response, struct error *err);

/* registry_send(); base: an address of the registry. */
int registry_auth_send(struct registry_auth *a, const char *base, const struct http_trust *trust, struct http *http,
                       const char *scopes, struct http_request *q, struct http_response *ret, struct error *err);

/* registry_login() */
int registry_auth_login(struct registry_auth *a, const char *base, const struct http_trust *trust, struct http *http,
                        char **ret_identity, struct error *err);
