/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upload is a session: POST begins it, PATCH adds chunks, PUT ends it (and may bring the rest). Each answer has the
 * address for what follows. When a request fails, GET of the address says how far the registry is.
 */
#include "fetch/registry_upload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "fetch/url.h"

enum {
        MAX_FAILURES = 6, /* one after the other */
        MAX_ANSWER = 64 << 10,
        SMALLER_CHUNKS = 16 << 20, /* for those who refuse a blob in one piece */
};

struct session {
        struct registry *registry;
        struct http *http;
        const struct upload *upload;
        char *scope;
        char *url;           /* NULL: none was begun */
        uint64_t offset;     /* bytes that the registry has */
        uint64_t chunk_size; /* 0: all in one */
        bool resumed;        /* after a failure, with what the registry had of it */
        struct http_response response;
};

static void session_finish(struct session *s)
{
        free(s->scope);
        free(s->url);
        http_response_finish(&s->response);
}

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static int send_request(struct session *s, struct http_request *q, struct error *err)
{
        q->max_body = MAX_ANSWER;
        q->userdata = s;
        return registry_send(s->registry, s->http, s->scope, q, &s->response, err);
}

/* --- HEAD and mounts --- */

int registry_has_blob(struct registry *r, struct http *http, const struct digest *digest, struct error *err)
{
        own_mem char *url = registry_repository_url(r, "blobs/%s", digest->text), *scope = NULL;
        own_http_response struct http_response response = {};
        struct http_request q = { .method = "HEAD", .url = url };
        int e = url ? registry_push_scope(r, NULL, &scope) : -ENOMEM;

        if (e < 0)
                return no_memory(err);
        e = registry_send(r, http, scope, &q, &response, err);
        if (e == 0 && response.status == 200)
                return 1;
        if (e == 0 && (response.status == 404 || response.status == 405))
                return 0;
        if (e == 0)
                registry_refused(&response, err);
        return error_wrap(err, "blob %s", digest->text);
}

/* An upload that was begun but is not wanted; whether this works does not matter. */
static void cancel(struct registry *r, struct http *http, const char *scope, const struct http_response *begun)
{
        const char *location = http_header(begun, "Location", 0);
        own_http_response struct http_response response = {};
        own_mem char *url = NULL;
        struct http_request q = { .method = "DELETE", .attempts = 1, .max_body = MAX_ANSWER };
        struct error ignored;

        if (!location || url_join(begun->url, location, &url, &ignored) < 0)
                return;
        q.url = url;
        registry_send(r, http, scope, &q, &response, &ignored);
}

int registry_mount_blob(struct registry *r, struct http *http, const struct digest *digest, const char *from,
                        struct error *err)
{
        own_mem char *url = registry_repository_url(r, "blobs/uploads/?mount=%s&from=%s", digest->text, from);
        own_mem char *scope = NULL;
        own_http_response struct http_response response = {};
        const struct http_body nothing = { .data = "" };
        struct http_request q = { .method = "POST", .url = url, .body = &nothing, .max_body = MAX_ANSWER };
        int e = url ? registry_push_scope(r, from, &scope) : -ENOMEM;

        if (e < 0)
                return no_memory(err);
        e = registry_send(r, http, scope, &q, &response, err);
        if (e == -ECANCELED || e == -ENOMEM)
                return e;
        if (e == 0 && response.status == 201)
                return 1;
        /* Not allowed to, not there, not known: then it is uploaded. */
        if (e == 0 && response.status == 202)
                cancel(r, http, scope, &response);
        return 0;
}

/* --- a session's requests --- */

static void moved(void *userdata, uint64_t sent)
{
        struct session *s = userdata;

        if (s->upload->moved)
                s->upload->moved(s->upload->userdata, s->offset + sent);
}

/* s->url becomes where the answer leads. */
static int take_location(struct session *s, struct error *err)
{
        const char *location = http_header(&s->response, "Location", 0);
        char *url = NULL;
        int r;

        if (!location)
                return s->url ? 0 : error_set(err, EPROTO, "the registry does not say where to upload to");
        r = url_join(s->response.url, location, &url, err);
        if (r < 0)
                return r;
        free(s->url);
        s->url = url;
        return 0;
}

/* "0-LAST" (some write "bytes=" before it): the bytes that the registry has. */
static int take_range(struct session *s, uint64_t otherwise, struct error *err)
{
        const char *range = http_header(&s->response, "Range", 0), *dash;
        uint64_t last = 0;

        s->offset = otherwise;
        if (!range)
                return 0;
        dash = strchr(range, '-');
        if (!dash || parse_u64(dash + 1, 10, &last) < 0 || last >= s->upload->body.size)
                return error_set(err, EPROTO, "the registry has another part of the blob than it was sent");
        /* "0-0" is also what some say of nothing. */
        s->offset = last ? last + 1 : 0;
        return 0;
}

static int begin_session(struct session *s, struct error *err)
{
        own_mem char *url = registry_repository_url(s->registry, "blobs/uploads/");
        const struct http_body nothing = { .data = "" };
        struct http_request q = { .method = "POST", .url = url, .body = &nothing };
        const char *least;
        uint64_t n = 0;
        int r = url ? send_request(s, &q, err) : no_memory(err);

        if (r < 0)
                return r;
        if (s->response.status != 202)
                return registry_refused(&s->response, err);
        s->offset = 0;
        least = http_header(&s->response, "OCI-Chunk-Min-Length", 0);
        if (least && s->chunk_size && parse_u64(least, 10, &n) == 0 && n > s->chunk_size)
                s->chunk_size = n;
        return take_location(s, err);
}

/* What became of a request of the session. */
enum outcome { DONE, AGAIN };

/* The next chunk. */
static int patch(struct session *s, struct error *err)
{
        uint64_t left = s->upload->body.size - s->offset, before = s->offset;
        uint64_t n = s->chunk_size && s->chunk_size < left ? s->chunk_size : left;
        struct http_body body = s->upload->body;
        char range[64];
        const char *headers[] = { "Content-Type: application/octet-stream", range, NULL };
        struct http_request q = {
                .method = "PATCH", .url = s->url, .headers = headers, .body = &body, .attempts = 1, .sent = moved
        };
        int r;

        body.data = body.data ? (const char *)body.data + s->offset : NULL;
        body.offset = s->offset;
        body.size = n;
        snprintf(range, sizeof range, "Content-Range: %" PRIu64 "-%" PRIu64, s->offset, s->offset + n - 1);
        r = send_request(s, &q, err);
        if (r < 0 || s->response.status < 200 || s->response.status > 299)
                return r;
        r = take_location(s, err);
        if (r == 0)
                r = take_range(s, before + n, err);
        if (r == 0 && s->offset <= before)
                r = error_set(err, EPROTO, "the registry takes chunks and keeps nothing of them");
        return r;
}

/* The end: with all of the blob when nothing was sent so far and it is to go in one piece. */
static int put(struct session *s, struct error *err)
{
        own_mem char *url = NULL;
        const struct http_body nothing = { .data = "" };
        bool whole = s->offset == 0;
        static const char *const headers[] = { "Content-Type: application/octet-stream", NULL };
        struct http_request q = { .method = "PUT",
                                  .headers = headers,
                                  .body = whole ? &s->upload->body : &nothing,
                                  .attempts = 1,
                                  .sent = whole ? moved : NULL };

        if (asprintf(&url, "%s%cdigest=%s", s->url, strchr(s->url, '?') ? '&' : '?', s->upload->digest->text) < 0) {
                url = NULL;
                return no_memory(err);
        }
        q.url = url;
        return send_request(s, &q, err);
}

static void forget_session(struct session *s)
{
        free(s->url);
        s->url = NULL;
        s->offset = 0;
        s->resumed = false;
}

/* How far the registry is; a session that it does not know any more is begun again. */
static int ask_status(struct session *s, struct error *err)
{
        struct http_request q = { .method = "GET", .url = s->url };
        int r = send_request(s, &q, err);

        if (r < 0)
                return r;
        if (s->response.status < 200 || s->response.status > 299) {
                forget_session(s);
                return 0;
        }
        s->resumed = true;
        r = take_location(s, err);
        return r < 0 ? r : take_range(s, 0, err);
}

/* A request that failed: AGAIN when it may go better. *err says what was wrong with it. */
static int after_failure(struct session *s, int r, struct error *err)
{
        long status = s->response.status;

        if (r < 0)
                return s->response.transient ? AGAIN : r;
        if (status == 404 || (status == 400 && s->resumed)) {
                /* Not known any more, or put together wrong: once more from the beginning. */
                forget_session(s);
        } else if (status == 413 && !s->chunk_size) {
                s->chunk_size = SMALLER_CHUNKS;
                forget_session(s);
        } else if (status != 416 && !http_status_is_transient(status)) {
                return registry_refused(&s->response, err);
        }
        registry_refused(&s->response, err);
        return AGAIN;
}

/* One step: DONE when the blob is there, AGAIN after a failure that may pass, 2 when there is more to do. */
enum { GO_ON = 2 };

static int step(struct session *s, struct error *err)
{
        bool last = s->offset == s->upload->body.size || (s->offset == 0 && !s->chunk_size);
        int r;

        if (!s->url) {
                r = begin_session(s, err);
                return r < 0 ? r : GO_ON;
        }
        r = last ? put(s, err) : patch(s, err);
        if (r < 0 || s->response.status < 200 || s->response.status > 299)
                return after_failure(s, r, err);
        return last ? DONE : GO_ON;
}

/* After a failure: a pause, then a look at what the registry has. 1: the whole blob. */
static int recover(struct session *s, unsigned failures, struct error *err)
{
        int r;

        if (s->upload->retrying)
                s->upload->retrying(s->upload->userdata);
        r = http_pause(s->http, failures, s->response.retry_after, err);
        /* The answer alone may have been lost. */
        if (r == 0)
                r = registry_has_blob(s->registry, s->http, s->upload->digest, err);
        if (r != 0 || !s->url)
                return r;
        return ask_status(s, err);
}

static int upload(struct session *s, struct error *err)
{
        uint64_t best = 0;
        int r;

        for (unsigned failures = 0; failures < MAX_FAILURES;) {
                r = step(s, err);
                if (r < 0 || r == DONE)
                        return r;
                if (s->offset > best) {
                        best = s->offset;
                        failures = 0;
                }
                if (r == GO_ON)
                        continue;
                r = recover(s, failures++, err);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
        return err && err->code ? -err->code : -EIO;
}

int registry_upload_blob(struct registry *r, struct http *http, const struct upload *u, struct error *err)
{
        struct session s __attribute__((
                cleanup(session_finish))) = { .registry = r, .http = http, .upload = u, .chunk_size = u->chunk_size };
        int e = registry_push_scope(r, NULL, &s.scope);

        if (e < 0)
                return no_memory(err);
        e = upload(&s, err);
        return e < 0 ? error_wrap(err, "blob %s", u->digest->text) : 0;
}
