/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP by libcurl, one easy handle a thread. Everything that a server may send is bounded: headers, documents,
 * redirections, time without a byte. Credentials stay with the host that they were meant for.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct http;

/* A thread's own client: keeps its connections between requests. *stop (may be NULL) becoming true ends what it does
 * with -ECANCELED. NULL without memory. */
struct http *http_new(const atomic_bool *stop);
void http_free(struct http *h);

static inline void http_free_(struct http **h)
{
        http_free(*h);
}
#define own_http __attribute__((cleanup(http_free_)))

/* Whom to believe. */
struct http_trust {
        bool insecure;                      /* certificates are not checked, and what is https may lead to http */
        struct buf ca;                      /* certificates (PEM) beside the system's; empty: the system's alone */
        struct buf client_cert, client_key; /* ours (PEM), or empty */
};

/* Reads what /etc/containers/certs.d, /etc/docker/certs.d, ~/.config/containers/certs.d and ~/.docker/certs.d have for
 * the registry (host[:port]). */
int http_trust_load(const char *registry, bool insecure, struct http_trust *ret, struct error *err);
void http_trust_finish(struct http_trust *t);
#define own_http_trust __attribute__((cleanup(http_trust_finish)))

struct http_body {
        const void *data; /* NULL: it stands in fd, from offset */
        int fd;
        uint64_t offset, size;
};

struct http_response {
        long status; /* 0: there was no answer */
        char *url;   /* that answered: after redirections */
        struct buf headers, body;
        uint64_t retry_after; /* seconds that the server asks to wait; 0: not said */
        bool transient;       /* a failure that another try may mend */
        bool unreached;       /* not even a connection of this kind came to be */
        bool began;           /* begin() was called */
};

void http_response_finish(struct http_response *r);
#define own_http_response __attribute__((cleanup(http_response_finish)))

/* The header's value, or NULL. nth: of several with the name. It lives as long as the response. */
const char *http_header(const struct http_response *r, const char *name, unsigned nth);

struct http_request {
        const char *method, *url;
        const char *authorization;      /* the header's value or NULL: for the url's scheme, host and port alone */
        const char *const *headers;     /* "Name: value", ends with NULL; or NULL */
        const struct http_trust *trust; /* NULL: the system's */
        const struct http_body *body;   /* NULL: none */
        bool stay;                      /* a redirection is an answer, not followed */
        unsigned attempts;              /* 0: the usual number */
        size_t max_body;                /* of a document: more is -EFBIG */

        /* NULL: the answer is a document and goes to response->body. Otherwise the body of a 2xx goes to sink(), after
         * one call of begin() with status and headers. */
        int (*begin)(void *userdata, const struct http_response *r, struct error *err);
        int (*sink)(void *userdata, const void *data, size_t n, struct error *err);
        void (*sent)(void *userdata, uint64_t bytes); /* of the body; may be NULL */
        void (*retrying)(void *userdata);             /* may be NULL */
        void *userdata;
};

/*
 * Does the request with its redirections: 0 for any answer (look at ret->status), whose body, when it is no 2xx, is
 * the beginning of what the server wrote. Negative when there was none; ret->transient and ret->unreached say more.
 */
int http_exchange(struct http *h, const struct http_request *q, struct http_response *ret, struct error *err);

/*
 * The same, again and again (with growing pauses, or when the server wants it) while it fails in a way that may pass
 * and nothing has gone to sink(). 408, 429 and 5xx are such failures, too; the last one is returned as an answer.
 */
int http_perform(struct http *h, const struct http_request *q, struct http_response *ret, struct error *err);

/* Waits before try number `attempt` + 1 (0 is the first one that failed); -ECANCELED. */
int http_pause(struct http *h, unsigned attempt, uint64_t retry_after, struct error *err);

bool http_status_is_transient(long status);
