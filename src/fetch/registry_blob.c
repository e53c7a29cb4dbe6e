/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_blob.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "fetch/url.h"

enum {
        MAX_CUTS = 6, /* one after the other without enough bytes between them */
        ENOUGH = 64 << 10,
};

static int wrong_size(const struct blob_stream *b, struct error *err)
{
        return error_set(err, EBADMSG, "the blob has not the size of %" PRIu64 " bytes that its manifest says",
                         b->size);
}

/* Digits up to `end`; moves *p behind it. */
static bool read_number(const char **p, char end, uint64_t *ret)
{
        size_t n = strspn(*p, "0123456789");
        char digits[24];

        if (!n || n >= sizeof digits || (*p)[n] != end)
                return false;
        memcpy(digits, *p, n);
        digits[n] = '\0';
        *p += n + (end != '\0');
        return parse_u64(digits, 10, ret) == 0;
}

/* "bytes FIRST-LAST/TOTAL" or ".../ *": what was asked for, and nothing else. */
static int check_range(const struct blob_stream *b, const char *range, struct error *err)
{
        uint64_t first = 0, last = 0, total = b->size;
        bool good = range && strncmp(range, "bytes ", 6) == 0;
        const char *p = good ? range + 6 : "";

        good = good && read_number(&p, '-', &first) && read_number(&p, '/', &last) &&
               (strcmp(p, "*") == 0 || read_number(&p, '\0', &total));
        if (!good || first != b->done || last < first)
                return error_set(err, EPROTO, "the server sends another part than the one that was asked for");
        return total == b->size && last < b->size ? 0 : wrong_size(b, err);
}

static void keep_etag(struct blob_stream *b, const struct http_response *response)
{
        const char *etag = http_header(response, "ETag", 0);

        /* A weak one does not promise the same bytes. */
        b->etag[0] = '\0';
        if (etag && *etag == '"' && strlen(etag) < sizeof b->etag)
                memcpy(b->etag, etag, strlen(etag) + 1);
}

static int begin(void *userdata, const struct http_response *response, struct error *err)
{
        struct blob_stream *b = userdata;
        const char *length = http_header(response, "Content-Length", 0);
        uint64_t n = b->size;

        b->skip = 0;
        if (response->status == 206 && b->done)
                return check_range(b, http_header(response, "Content-Range", 0), err);
        if (response->status != 200)
                return error_set(err, EPROTO, "the server answered with status %ld", response->status);
        if (length && (parse_u64(length, 10, &n) < 0 || n != b->size))
                return wrong_size(b, err);
        /* Parts are not to be had, or it is another one behind the same name: all of it comes again. */
        b->skip = b->done;
        keep_etag(b, response);
        return 0;
}

static int sink(void *userdata, const void *data, size_t n, struct error *err)
{
        struct blob_stream *b = userdata;
        size_t skip = b->skip < n ? (size_t)b->skip : n;
        int r;

        b->skip -= skip;
        n -= skip;
        if (n > b->size - b->done)
                return wrong_size(b, err);
        if (!n)
                return 0;
        r = b->write(b->userdata, (const char *)data + skip, n, err);
        if (r < 0)
                return r;
        b->done += n;
        if (b->moved)
                b->moved(b->userdata, b->done);
        return 0;
}

static void again(void *userdata)
{
        struct blob_stream *b = userdata;

        if (b->retrying)
                b->retrying(b->userdata);
}

/* One request for the rest. 1: cut on the way, and worth another try. */
static int request_rest(struct registry *r, struct http *http, const char *scope, const char *url,
                        struct blob_stream *b, struct http_response *response, struct error *err)
{
        char range[64], if_range[160];
        const char *headers[] = { range, if_range, NULL };
        struct http_request q = {
                .method = "GET", .url = url, .begin = begin, .sink = sink, .retrying = again, .userdata = b
        };
        int e;

        snprintf(range, sizeof range, "Range: bytes=%" PRIu64 "-", b->done);
        snprintf(if_range, sizeof if_range, "If-Range: %s", b->etag);
        if (!*b->etag)
                headers[1] = NULL;
        q.headers = b->done ? headers : NULL;
        e = r ? registry_send(r, http, scope, &q, response, err) : http_perform(http, &q, response, err);
        if (e < 0)
                return response->transient && response->began ? 1 : e;
        if (response->status == 416)
                return wrong_size(b, err);
        if (response->status < 200 || response->status > 299)
                return registry_refused(response, err);
        if (b->done < b->size) {
                error_set(err, ECONNRESET, "the server ended the blob after %" PRIu64 " of %" PRIu64 " bytes", b->done,
                          b->size);
                return 1;
        }
        return 0;
}

static int stream(struct registry *r, struct http *http, const char *scope, const char *url, struct blob_stream *b,
                  struct error *err)
{
        own_http_response struct http_response response = {};
        uint64_t before;
        int e;

        for (unsigned cuts = 0; b->done < b->size; cuts++) {
                before = b->done;
                e = request_rest(r, http, scope, url, b, &response, err);
                if (e <= 0)
                        return e;
                if (b->done - before >= ENOUGH)
                        cuts = 0;
                if (cuts >= MAX_CUTS)
                        return -ECONNRESET;
                again(b);
                e = http_pause(http, cuts, 0, err);
                if (e < 0)
                        return e;
        }
        return 0;
}

int registry_stream_blob(struct registry *r, struct http *http, struct blob_stream *b, struct error *err)
{
        own_mem char *url = registry_repository_url(r, "blobs/%s", b->digest->text), *scope = NULL;
        int e = url ? registry_pull_scope(r, &scope) : -ENOMEM;

        if (e < 0)
                return error_set(err, ENOMEM, "out of memory");
        e = stream(r, http, scope, url, b, err);
        return e < 0 ? error_wrap(err, "blob %s", b->digest->text) : 0;
}

int registry_stream_url(struct http *http, const char *url, struct blob_stream *b, struct error *err)
{
        own_mem char *checked = NULL;
        int e = url_join(url, url, &checked, err);

        if (e == 0)
                e = stream(NULL, http, NULL, checked, b, err);
        return e < 0 ? error_wrap(err, "blob %s", b->digest->text) : 0;
}
