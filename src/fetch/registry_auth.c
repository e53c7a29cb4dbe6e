/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_auth.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/own.h"
#include "fetch/challenge.h"
#include "fetch/registry.h"
#include "fetch/token.h"
#include "fetch/url.h"

enum {
        MAX_TOKENS = 16,   /* a push with mounts has one for each repository */
        SPARE_SECONDS = 5, /* a token is not used up to its last moment */
};

struct kept_token {
        struct buf scopes, text;
        time_t until; /* CLOCK_MONOTONIC */
};

struct registry_auth {
        struct host *host;
        char *registry, *repository;
        pthread_mutex_t lock; /* of the rest: whoever needs a token that another is getting waits for it */
        struct challenge challenge;
        struct host_credentials credentials;
        bool asked; /* for the credentials */
        struct kept_token tokens[MAX_TOKENS];
        unsigned next; /* token to be replaced */
};

struct registry_auth *registry_auth_new(struct host *h, const char *registry, const char *repository)
{
        struct registry_auth *a = calloc(1, sizeof *a);

        if (!a)
                return NULL;
        pthread_mutex_init(&a->lock, NULL);
        a->host = h;
        a->registry = strdup(registry);
        a->repository = strdup(repository);
        if (a->registry && a->repository)
                return a;
        registry_auth_free(a);
        return NULL;
}

static void forget(struct kept_token *t)
{
        if (t->text.data)
                explicit_bzero(t->text.data, t->text.len);
        buf_finish(&t->text);
        buf_finish(&t->scopes);
        t->until = 0;
}

void registry_auth_free(struct registry_auth *a)
{
        if (!a)
                return;
        for (size_t i = 0; i < MAX_TOKENS; i++)
                forget(&a->tokens[i]);
        challenge_finish(&a->challenge);
        host_credentials_finish(&a->credentials);
        pthread_mutex_destroy(&a->lock);
        free(a->registry);
        free(a->repository);
        free(a);
}

int registry_auth_challenge(struct registry_auth *a, const struct http_response *response, struct error *err)
{
        own_challenge struct challenge c = {};
        const char *header;
        int r = 0;

        for (unsigned i = 0; r == 0 && (header = http_header(response, "WWW-Authenticate", i)); i++)
                r = challenge_read(header, &c, err);
        if (r < 0)
                return r;
        if (!c.basic && !c.bearer)
                return error_set(err, EACCES, "the registry wants a login of a kind that is not known here");
        challenge_finish(&a->challenge);
        a->challenge = c;
        c = (struct challenge){};
        return 0;
}

/* --- with a->lock held --- */

static int ask_credentials(struct registry_auth *a, struct error *err)
{
        int r = a->asked ? 0 : host_credentials(a->host, a->registry, a->repository, &a->credentials, err);

        a->asked |= r == 0;
        return r;
}

static time_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

static struct kept_token *find_token(struct registry_auth *a, const char *scopes)
{
        for (size_t i = 0; i < MAX_TOKENS; i++) {
                struct kept_token *t = &a->tokens[i];

                if (t->text.len && strcmp(buf_str(&t->scopes), scopes) == 0)
                        return t;
        }
        return NULL;
}

static int keep_token(struct registry_auth *a, const char *scopes, const struct token *token, struct error *err)
{
        struct kept_token *t = find_token(a, scopes);

        if (!t)
                t = &a->tokens[a->next++ % MAX_TOKENS];
        forget(t);
        buf_add_str(&t->scopes, scopes);
        buf_add_str(&t->text, token->text);
        t->until = now() + (time_t)token->lifetime - SPARE_SECONDS;
        if (!buf_failed(&t->scopes) && !buf_failed(&t->text))
                return 0;
        forget(t);
        return error_set(err, ENOMEM, "out of memory");
}

static int get_token(struct registry_auth *a, const struct http_trust *trust, struct http *http, const char *scopes,
                     const char *wanted, struct error *err)
{
        own_token struct token token = {};
        struct token_request q = { .realm = a->challenge.realm,
                                   .service = a->challenge.service,
                                   .scopes = wanted,
                                   .credentials = &a->credentials,
                                   .trust = trust };
        int r = token_get(http, &q, &token, err);

        host_debug(a->host, "token for %s from %s%s", wanted, q.realm, r < 0 ? ": refused" : "");
        return r < 0 ? r : keep_token(a, scopes, &token, err);
}

static int add_basic(struct registry_auth *a, struct buf *ret, struct error *err)
{
        own_buf struct buf login = {};

        if (!*a->credentials.username)
                return error_set(err, EACCES, "%s wants a login", a->registry);
        buf_addf(&login, "%s:%s", a->credentials.username, a->credentials.password);
        buf_add_str(ret, "Basic ");
        base64_add(ret, buf_str(&login), login.len);
        return buf_failed(&login) ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int add_bearer(struct registry_auth *a, const struct http_trust *trust, struct http *http, const char *scopes,
                      struct buf *ret, struct error *err)
{
        struct kept_token *t = find_token(a, scopes);
        int r = t && t->until > now() ? 0 : get_token(a, trust, http, scopes, scopes, err);

        t = find_token(a, scopes);
        if (r == 0 && t)
                buf_addf(ret, "Bearer %s", buf_str(&t->text));
        return r;
}

/* Appends the Authorization header's value; nothing when none is wanted. */
static int add_authorization(struct registry_auth *a, const struct http_trust *trust, struct http *http,
                             const char *scopes, struct buf *ret, struct error *err)
{
        int r = 0;

        if (!a->challenge.bearer && !a->challenge.basic)
                return 0;
        r = ask_credentials(a, err);
        if (r < 0)
                return r;
        return a->challenge.bearer ? add_bearer(a, trust, http, scopes, ret, err) : add_basic(a, ret, err);
}

/* The answer was 401: the token that was used has had its day, or something else is wanted. */
static int renew(struct registry_auth *a, const struct http_trust *trust, struct http *http, const char *scopes,
                 const char *used, const struct http_response *response, struct error *err)
{
        struct kept_token *t = find_token(a, scopes);
        int r = registry_auth_challenge(a, response, err);

        if (r < 0)
                return r;
        /* Another thread was here first. */
        if (t && strncmp(used, "Bearer ", 7) == 0 && strcmp(buf_str(&t->text), used + 7) != 0)
                return 0;
        r = ask_credentials(a, err);
        if (r < 0)
                return r;
        if (a->challenge.bearer)
                return get_token(a, trust, http, scopes, a->challenge.scope ? a->challenge.scope : scopes, err);
        /* They have just been refused. */
        return *used ? error_set(err, EACCES, "wrong credentials for %s", a->registry) : 0;
}

/* --- */

int registry_auth_send(struct registry_auth *a, const char *base, const struct http_trust *trust, struct http *http,
                       const char *scopes, struct http_request *q, struct http_response *ret, struct error *err)
{
        bool ours = url_same_origin(base, q->url);

        q->trust = trust;
        for (unsigned i = 0;; i++) {
                own_buf struct buf authorization = {};
                int r = 0;

                pthread_mutex_lock(&a->lock);
                if (ours)
                        r = add_authorization(a, trust, http, scopes, &authorization, err);
                pthread_mutex_unlock(&a->lock);
                if (r == 0 && buf_failed(&authorization))
                        r = error_set(err, ENOMEM, "out of memory");
                if (r < 0)
                        return r;
                q->authorization = authorization.len ? buf_str(&authorization) : NULL;
                r = http_perform(http, q, ret, err);
                q->authorization = NULL;
                if (r < 0 || ret->status != 401 || i || !ours)
                        return r;
                pthread_mutex_lock(&a->lock);
                r = renew(a, trust, http, scopes, buf_str(&authorization), ret, err);
                pthread_mutex_unlock(&a->lock);
                if (r < 0)
                        return r;
        }
}

static int login_by_token(struct registry_auth *a, const struct http_trust *trust, struct http *http,
                          char **ret_identity, struct error *err)
{
        own_token struct token token = {};
        struct token_request q = { .realm = a->challenge.realm,
                                   .service = a->challenge.service,
                                   .scopes = "",
                                   .credentials = &a->credentials,
                                   .trust = trust,
                                   .offline = true };
        int r = token_get(http, &q, &token, err);

        if (r == 0)
                r = keep_token(a, "", &token, err);
        if (r == 0)
                *ret_identity = take_ptr(token.identity);
        return r;
}

int registry_auth_login(struct registry_auth *a, const char *base, const struct http_trust *trust, struct http *http,
                        char **ret_identity, struct error *err)
{
        own_http_response struct http_response response = {};
        struct http_request q = { .method = "GET", .url = base, .max_body = 64 << 10 };
        int r;

        pthread_mutex_lock(&a->lock);
        r = ask_credentials(a, err);
        if (r == 0 && !*a->credentials.username && !*a->credentials.identity_token)
                r = error_set(err, EACCES, "no user and password are given");
        if (r == 0 && a->challenge.bearer)
                r = login_by_token(a, trust, http, ret_identity, err);
        pthread_mutex_unlock(&a->lock);
        if (r == 0)
                r = registry_auth_send(a, base, trust, http, "", &q, &response, err);
        if (r < 0)
                return r;
        return response.status == 200 ? 0 : registry_refused(&response, err);
}
