/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of a registry's authorization service (distribution-spec: token authentication; its OAuth2 form). */
#pragma once

#include <time.h>

#include "base/error.h"
#include "fetch/host.h"
#include "fetch/http.h"

struct token {
        char *text;        /* goes into "Authorization: Bearer" */
        char *identity;    /* a refresh token, or NULL */
        unsigned lifetime; /* seconds */
};

void token_finish(struct token *t);
#define own_token __attribute__((cleanup(token_finish)))

struct token_request {
        const char *realm, *service; /* of the challenge; service may be NULL */
        const char *scopes;          /* with blanks between them; may be "" */
        const struct host_credentials *credentials;
        const struct http_trust *trust;
        bool offline; /* an identity token is wanted, too */
};

/* -EACCES: the credentials are wrong, or there are none and some are needed. */
int token_get(struct http *h, const struct token_request *q, struct token *ret, struct error *err);

/* The service's answer. */
int token_read(const char *text, size_t len, struct token *ret, struct error *err);
