/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/registry_auth.h"

struct registry {
        struct host *host;
        char *name, *repository, *place;
        char *base; /* "https://registry-1.docker.io/v2/" */
        struct http_trust trust;
        struct registry_auth *auth;
};

enum { MAX_PING = 64 << 10, PING_ATTEMPTS = 3 };

void registry_close(struct registry *r)
{
        if (!r)
                return;
        registry_auth_free(r->auth);
        http_trust_finish(&r->trust);
        free(r->name);
        free(r->repository);
        free(r->place);
        free(r->base);
        free(r);
}

const char *registry_place(const struct registry *r)
{
        return r->place;
}

const char *registry_name(const struct registry *r)
{
        return r->name;
}

const char *registry_repository(const struct registry *r)
{
        return r->repository;
}

const struct http_trust *registry_trust(const struct registry *r)
{
        return &r->trust;
}

static char *url_of(const struct registry *r, bool repository, const char *format, va_list ap)
{
        own_mem char *path = NULL;
        char *url = NULL;

        if (vasprintf(&path, format, ap) < 0) {
                path = NULL;
                return NULL;
        }
        if (asprintf(&url, "%s%s%s%s", r->base, repository ? r->repository : "", repository ? "/" : "", path) < 0)
                return NULL;
        return url;
}

char *registry_url(const struct registry *r, const char *format, ...)
{
        va_list ap;
        char *url;

        va_start(ap, format);
        url = url_of(r, false, format, ap);
        va_end(ap);
        return url;
}

char *registry_repository_url(const struct registry *r, const char *format, ...)
{
        va_list ap;
        char *url;

        va_start(ap, format);
        url = url_of(r, true, format, ap);
        va_end(ap);
        return url;
}

int registry_pull_scope(const struct registry *r, char **ret)
{
        if (asprintf(ret, "repository:%s:pull", r->repository) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 0;
}

int registry_push_scope(const struct registry *r, const char *from, char **ret)
{
        int n = from ? asprintf(ret, "repository:%s:pull,push repository:%s:pull", r->repository, from)
                     : asprintf(ret, "repository:%s:pull,push", r->repository);

        if (n < 0)
                *ret = NULL;
        return n < 0 ? -ENOMEM : 0;
}

/* For --debug; what stands behind a question mark may be a secret. */
static void tell_exchange(const struct registry *r, const struct http_request *q, const struct http_response *response)
{
        const char *url = response->url ? response->url : q->url;

        host_debug(r->host, "%s %.*s: %ld", q->method, (int)strcspn(url, "?"), url, response->status);
}

/* --- opening --- */

static int set_base(struct registry *r, const char *scheme)
{
        /* Where Docker's registry answers is not what references call it. */
        const char *host = strcmp(r->name, "docker.io") == 0 ? "registry-1.docker.io" : r->name;

        free(r->base);
        if (asprintf(&r->base, "%s://%s/v2/", scheme, host) < 0)
                r->base = NULL;
        return r->base ? 0 : -ENOMEM;
}

static struct registry *make(const struct registry_options *o)
{
        own_registry struct registry *r = calloc(1, sizeof *r);

        if (!r)
                return NULL;
        r->host = o->host;
        r->name = strdup(o->name);
        r->repository = strdup(o->repository);
        if (asprintf(&r->place, "%s/%s", o->name, o->repository) < 0)
                r->place = NULL;
        r->auth = registry_auth_new(o->host, o->name, o->repository);
        if (!r->name || !r->repository || !r->place || !r->auth || set_base(r, "https") < 0)
                return NULL;
        return take_ptr(r);
}

static int ping(struct registry *r, struct http *http, struct http_response *response, struct error *err)
{
        struct http_request q = {
                .method = "GET", .url = r->base, .trust = &r->trust, .attempts = PING_ATTEMPTS, .max_body = MAX_PING
        };
        int e;

        /* Something that speaks no TLS speaks none the next time, either. */
        if (r->trust.insecure && strncmp(r->base, "https", 5) == 0)
                q.attempts = 1;
        e = http_perform(http, &q, response, err);
        tell_exchange(r, &q, response);
        return e;
}

/* By https, or by plain http where that will do. */
static int find_scheme(struct registry *r, struct http *http, struct http_response *response, struct error *err)
{
        struct error first = {};
        int e = ping(r, http, response, &first);

        if (e == 0)
                return 0;
        if (!r->trust.insecure || !response->unreached) {
                *err = first;
                return e;
        }
        if (set_base(r, "http") < 0)
                return error_set(err, ENOMEM, "out of memory");
        return ping(r, http, response, err);
}

static int connect_registry(struct registry *r, struct http *http, struct error *err)
{
        own_http_response struct http_response response = {};
        int e = find_scheme(r, http, &response, err);

        if (e < 0)
                return e;
        if (response.status >= 500)
                return registry_refused(&response, err);
        /* Some answer here with 404 or 403 and have their repositories nevertheless. */
        return response.status == 401 ? registry_auth_challenge(r->auth, &response, err) : 0;
}

int registry_open(const struct registry_options *o, struct http *http, struct registry **ret, struct error *err)
{
        own_registry struct registry *r = make(o);
        int e;

        if (!r)
                return error_set(err, ENOMEM, "out of memory");
        e = http_trust_load(o->name, o->insecure, &r->trust, err);
        if (e == 0)
                e = connect_registry(r, http, err);
        if (e < 0)
                return error_wrap(err, "%s", r->name);
        *ret = take_ptr(r);
        return 0;
}

/* --- asking --- */

int registry_send(struct registry *r, struct http *http, const char *scopes, struct http_request *q,
                  struct http_response *ret, struct error *err)
{
        int e = registry_auth_send(r->auth, r->base, &r->trust, http, scopes, q, ret, err);

        tell_exchange(r, q, ret);
        return e;
}

int registry_login(struct registry *r, struct http *http, char **ret_identity, struct error *err)
{
        return registry_auth_login(r->auth, r->base, &r->trust, http, ret_identity, err);
}
