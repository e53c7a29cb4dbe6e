/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/own.h"
#include "fetch/http_client.h"
#include "fetch/url.h"

enum {
        MAX_HEADERS = 64 << 10,   /* bytes, of all answers of an exchange */
        MAX_COMPLAINT = 16 << 10, /* of an answer that is no 2xx */
        MAX_REDIRECTIONS = 10,
        CONNECT_SECONDS = 20,
        STALL_SECONDS = 60,     /* without a byte */
        COMMIT_SECONDS = 600,   /* for the answer to a body: a registry may look through it first */
        DOCUMENT_SECONDS = 300, /* for a whole document */
        BUFFER = 256 << 10,
};

static const char user_agent[] = "holt/" HOLT_VERSION;

/* One request and its answer, while curl runs. */
struct exchange {
        struct http *http;
        const struct http_request *request;
        struct http_response *response;
        struct error *err;
        char *url;
        uint64_t sent;       /* of the body */
        size_t header_bytes; /* of all answers */
        bool failed;         /* *err is set */
        bool cut;            /* the rest of a complaint is not wanted */
        bool stalled;
        curl_off_t moved;      /* bytes when the last one was seen */
        struct timespec since; /* when that was */
};

struct http *http_new(const atomic_bool *stop)
{
        own_http struct http *h = calloc(1, sizeof *h);

        if (!h)
                return NULL;
        h->stop = stop;
        h->easy = curl_easy_init();
        return h->easy ? take_ptr(h) : NULL;
}

void http_free(struct http *h)
{
        if (!h)
                return;
        curl_easy_cleanup(h->easy);
        free(h);
}

/* --- what curl calls --- */

static bool is_good(const struct exchange *x)
{
        return x->response->status >= 200 && x->response->status < 300;
}

static size_t fail(struct exchange *x)
{
        x->failed = true;
        return 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *userdata)
{
        struct exchange *x = userdata;
        struct http_response *r = x->response;
        size_t len = n;

        x->header_bytes += n;
        if (x->header_bytes > MAX_HEADERS) {
                error_set(x->err, EPROTO, "the server sends more than %d bytes of headers", MAX_HEADERS);
                return fail(x);
        }
        while (len && (data[len - 1] == '\r' || data[len - 1] == '\n'))
                len--;
        if (n > 5 && strncasecmp(data, "HTTP/", 5) == 0)
                r->headers.len = 0;
        else if (len && !memchr(data, '\0', len)) {
                buf_add(&r->headers, data, len);
                buf_add(&r->headers, "", 1);
        }
        return n;
}

static size_t to_sink(struct exchange *x, const char *data, size_t n)
{
        const struct http_request *q = x->request;
        struct http_response *r = x->response;

        if (!r->began) {
                r->began = true;
                if (q->begin && q->begin(q->userdata, r, x->err) < 0)
                        return fail(x);
        }
        return q->sink(q->userdata, data, n, x->err) < 0 ? fail(x) : n;
}

static size_t to_document(struct exchange *x, const char *data, size_t n)
{
        struct buf *body = &x->response->body;
        size_t max = is_good(x) ? x->request->max_body : MAX_COMPLAINT;

        if (n > max - body->len) {
                /* Why it failed stands in the beginning. */
                x->cut = !is_good(x);
                if (!x->cut)
                        error_set(x->err, EFBIG, "the answer is longer than the %zu bytes that are taken", max);
                return fail(x);
        }
        buf_add(body, data, n);
        if (buf_failed(body)) {
                error_set(x->err, ENOMEM, "out of memory");
                return fail(x);
        }
        return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
        struct exchange *x = userdata;

        curl_easy_getinfo(x->http->easy, CURLINFO_RESPONSE_CODE, &x->response->status);
        return is_good(x) && x->request->sink ? to_sink(x, data, n) : to_document(x, data, n);
}

static size_t on_read(char *data, size_t size, size_t n, void *userdata)
{
        struct exchange *x = userdata;
        const struct http_body *b = x->request->body;
        size_t want = size * n;
        ssize_t got;

        if (want > b->size - x->sent)
                want = b->size - x->sent;
        if (b->data) {
                memcpy(data, (const char *)b->data + x->sent, want);
                got = (ssize_t)want;
        } else {
                got = pread(b->fd, data, want, (off_t)(b->offset + x->sent));
        }
        if (got < 0 || (got == 0 && want)) {
                error_errno(x->err, got < 0 ? errno : EIO, "read what is to be sent");
                fail(x);
                return CURL_READFUNC_ABORT;
        }
        x->sent += (uint64_t)got;
        return (size_t)got;
}

/*
 * curl would send a body again by itself when a connection that it kept turns out to be closed. But a part of it may
 * have arrived: only who knows what the request means can say how to go on.
 */
static int on_seek(void *userdata, curl_off_t offset, int origin)
{
        return CURL_SEEKFUNC_FAIL;
}

static bool is_stopped(const struct http *h)
{
        return h->stop && atomic_load(h->stop);
}

/* Called at least once a second. */
static int on_progress(void *userdata, curl_off_t total_down, curl_off_t down, curl_off_t total_up, curl_off_t up)
{
        struct exchange *x = userdata;
        const struct http_request *q = x->request;
        struct timespec now;

        if (is_stopped(x->http))
                return 1;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (down + up != x->moved) {
                x->moved = down + up;
                x->since = now;
                if (q->sent && up)
                        q->sent(q->userdata, (uint64_t)up);
                return 0;
        }
        x->stalled =
                now.tv_sec - x->since.tv_sec > (q->body && x->sent == q->body->size ? COMMIT_SECONDS : STALL_SECONDS);
        return x->stalled;
}

/* --- one request --- */

static void set_trust(CURL *c, const struct http_trust *t)
{
        const struct buf *const parts[] = { &t->ca, &t->client_cert, &t->client_key };
        static const CURLoption options[] = { CURLOPT_CAINFO_BLOB, CURLOPT_SSLCERT_BLOB, CURLOPT_SSLKEY_BLOB };

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                struct curl_blob blob = { parts[i]->data, parts[i]->len, CURL_BLOB_COPY };

                if (parts[i]->len)
                        curl_easy_setopt(c, options[i], &blob);
        }
        if (t->insecure) {
                curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
                curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
        }
}

/* curl reads the environment itself, but for what others take and it does not: HTTP_PROXY in capitals; and no proxy
 * leads to this machine. */
static void set_proxy(CURL *c, const char *url)
{
        const char *upper = getenv("HTTP_PROXY");

        if (url_is_loopback(url))
                curl_easy_setopt(c, CURLOPT_PROXY, "");
        else if (!url_is_https(url) && upper && *upper && !getenv("http_proxy"))
                curl_easy_setopt(c, CURLOPT_PROXY, upper);
}

static void set_body(CURL *c, const struct http_request *q, struct exchange *x)
{
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body->size);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(c, CURLOPT_READDATA, x);
        curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER);
}

static void set_callbacks(CURL *c, struct exchange *x)
{
        curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
        curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
        curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static void set_request(CURL *c, struct exchange *x)
{
        const struct http_request *q = x->request;

        curl_easy_reset(c);
        curl_easy_setopt(c, CURLOPT_URL, x->url);
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
        /* Parallel transfers want connections of their own anyway. */
        curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(c, CURLOPT_USERAGENT, user_agent);
        curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
        curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)BUFFER);
        if (!q->sink && !q->body)
                curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)DOCUMENT_SECONDS);
        /* One that says how much it is going to be need not be waited for. */
        if (!q->sink && strcmp(q->method, "HEAD") != 0)
                curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE,
                                 (curl_off_t)(q->max_body > MAX_COMPLAINT ? q->max_body : MAX_COMPLAINT));
        if (q->body)
                set_body(c, q, x);
        if (strcmp(q->method, "HEAD") == 0)
                curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
        else
                curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
        if (q->trust)
                set_trust(c, q->trust);
        set_proxy(c, x->url);
        set_callbacks(c, x);
}

static bool add_line(struct curl_slist **list, const char *line)
{
        struct curl_slist *longer = curl_slist_append(*list, line);

        if (longer)
                *list = longer;
        return longer;
}

static bool add_authorization(struct curl_slist **list, const struct exchange *x)
{
        own_buf struct buf line = {};

        if (!x->request->authorization || !url_same_origin(x->url, x->request->url))
                return true;
        buf_addf(&line, "Authorization: %s", x->request->authorization);
        return !buf_failed(&line) && add_line(list, buf_str(&line));
}

/* curl_slist_free_all() it; NULL without memory. */
static struct curl_slist *headers_of(const struct exchange *x)
{
        struct curl_slist *list = NULL;
        /* Waiting for "100 Continue" costs a second where nobody says it. */
        bool good = add_line(&list, "Expect:") && add_authorization(&list, x);

        for (const char *const *line = x->request->headers; good && line && *line; line++)
                good = add_line(&list, *line);
        if (good)
                return list;
        curl_slist_free_all(list);
        return NULL;
}

/* Failures of curl in our words. */
static const struct failure {
        CURLcode code;
        int error;
        bool transient, unreached;
} failures[] = {
        { CURLE_COULDNT_RESOLVE_HOST, EHOSTUNREACH, true, false },
        { CURLE_COULDNT_RESOLVE_PROXY, EHOSTUNREACH, true, false },
        { CURLE_COULDNT_CONNECT, ECONNREFUSED, true, true },
        { CURLE_SSL_CONNECT_ERROR, EPROTO, true, true },
        { CURLE_OPERATION_TIMEDOUT, ETIMEDOUT, true, true },
        { CURLE_GOT_NOTHING, ECONNRESET, true, true },
        { CURLE_RECV_ERROR, ECONNRESET, true, true },
        { CURLE_SEND_ERROR, ECONNRESET, true, true },
        { CURLE_SEND_FAIL_REWIND, ECONNRESET, true, false },
        { CURLE_PARTIAL_FILE, ECONNRESET, true, false },
        { CURLE_PEER_FAILED_VERIFICATION, EKEYREJECTED, false, false },
        { CURLE_SSL_CACERT_BADFILE, EKEYREJECTED, false, false },
        { CURLE_SSL_CERTPROBLEM, EKEYREJECTED, false, false },
        { CURLE_FILESIZE_EXCEEDED, EFBIG, false, false },
        { CURLE_OUT_OF_MEMORY, ENOMEM, false, false },
};

static int transport_failed(struct exchange *x, CURLcode code, const char *message)
{
        static const struct failure other = { .error = EPROTO };
        const struct failure *f = &other;

        for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
                if (failures[i].code == code)
                        f = &failures[i];
        }
        x->response->transient = f->transient;
        x->response->unreached = f->unreached && !x->response->status;
        return error_set(x->err, f->error, "%.200s", *message ? message : curl_easy_strerror(code));
}

static int exchange_result(struct exchange *x, CURLcode code, const char *message)
{
        if (code == CURLE_OK || x->cut)
                return 0;
        if (x->failed)
                return x->err ? -x->err->code : -EIO;
        if (is_stopped(x->http))
                return error_set(x->err, ECANCELED, "stopped");
        if (x->stalled) {
                x->response->transient = true;
                return error_set(x->err, ETIMEDOUT, "no byte came or went for a minute");
        }
        return transport_failed(x, code, message);
}

/* What stands in messages: without a query, which may be a signature. */
static int name_failure(const struct exchange *x)
{
        return error_wrap(x->err, "%s %.*s", x->request->method, (int)strcspn(x->url, "?"), x->url);
}

/* The request to x->url, without following. */
static int exchange_once(struct exchange *x)
{
        CURL *c = x->http->easy;
        struct curl_slist *headers = headers_of(x);
        char message[CURL_ERROR_SIZE] = "";
        curl_off_t wait = 0;
        CURLcode code;
        int r;

        if (!headers)
                return error_set(x->err, ENOMEM, "out of memory");
        set_request(c, x);
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(c, CURLOPT_ERRORBUFFER, message);
        x->response->headers.len = x->response->body.len = 0;
        x->response->status = 0;
        x->sent = 0;
        x->moved = 0;
        clock_gettime(CLOCK_MONOTONIC, &x->since);
        code = curl_easy_perform(c);
        curl_slist_free_all(headers);
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &x->response->status);
        if (curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
                x->response->retry_after = (uint64_t)wait;
        r = exchange_result(x, code, message);
        return r < 0 ? name_failure(x) : 0;
}

/* --- redirections --- */

static bool is_redirection(const struct exchange *x)
{
        const char *method = x->request->method;
        bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

        switch (x->response->status) {
        case 301:
        case 302:
        case 303:
                return reads;
        case 307:
        case 308:
                return true;
        default:
                return false;
        }
}

/* x->url becomes where the answer leads. */
static int follow(struct exchange *x)
{
        const char *location = http_header(x->response, "Location", 0);
        bool insecure = x->request->trust && x->request->trust->insecure;
        own_mem char *next = NULL;
        int r;

        if (!location)
                return error_set(x->err, EPROTO, "the server redirects to nowhere");
        r = url_join(x->url, location, &next, x->err);
        if (r < 0)
                return r;
        if (url_is_https(x->url) && !url_is_https(next) && !insecure)
                return error_set(x->err, EPROTO, "the server redirects from https to plain http");
        free(x->url);
        x->url = take_ptr(next);
        return 0;
}

static int exchange_all(struct exchange *x)
{
        for (unsigned n = 0;; n++) {
                int r = exchange_once(x);

                if (r < 0 || x->request->stay || !is_redirection(x))
                        return r;
                if (n == MAX_REDIRECTIONS)
                        r = error_set(x->err, ELOOP, "the server redirects more than %d times", MAX_REDIRECTIONS);
                else
                        r = follow(x);
                if (r < 0)
                        return name_failure(x);
        }
}

int http_exchange(struct http *h, const struct http_request *q, struct http_response *ret, struct error *err)
{
        struct error unused;
        struct exchange x = { .http = h, .request = q, .response = ret, .err = err ? err : &unused };
        int r;

        http_response_finish(ret);
        x.url = strdup(q->url);
        if (!x.url)
                return error_set(err, ENOMEM, "out of memory");
        r = exchange_all(&x);
        ret->url = x.url;
        return r;
}
