/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/hash.h"

static const char accept[] = "Accept: " MEDIA_TYPE_OCI_MANIFEST ", " MEDIA_TYPE_OCI_INDEX
                             ", " MEDIA_TYPE_DOCKER_MANIFEST ", " MEDIA_TYPE_DOCKER_INDEX;

void document_finish(struct document *d)
{
        buf_finish(&d->text);
        *d = (struct document){};
}

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

/* Names that say no more than that it is JSON are none: the document itself knows it better. */
static void read_media_type(const struct http_response *response, struct document *ret)
{
        const char *type = http_header(response, "Content-Type", 0);

        ret->media_type[0] = '\0';
        if (type && strncmp(type, "application/vnd.", 16) == 0)
                snprintf(ret->media_type, sizeof ret->media_type, "%.*s", (int)strcspn(type, "; \t"), type);
}

/* The digest that was asked for, or else the one that the server tells, is that of the text. */
static int check_digest(const struct http_response *response, const char *tag_or_digest, struct document *d,
                        struct error *err)
{
        const char *told = http_header(response, "Docker-Content-Digest", 0);
        struct digest expected;
        int r = hash_of(buf_str(&d->text), d->text.len, &d->digest, err);

        if (r == 0 && digest_parse(tag_or_digest, &expected, NULL) == 0) {
                r = hash_check(buf_str(&d->text), d->text.len, &expected, err);
                d->digest = expected;
        } else if (r == 0 && told) {
                r = digest_parse(told, &expected, err);
                if (r == 0)
                        r = hash_check(buf_str(&d->text), d->text.len, &expected, err);
        }
        return r;
}

int registry_get_manifest(struct registry *r, struct http *http, const char *tag_or_digest, struct document *ret,
                          struct error *err)
{
        static const char *const headers[] = { accept, NULL };
        own_mem char *url = registry_repository_url(r, "manifests/%s", tag_or_digest), *scope = NULL;
        own_http_response struct http_response response = {};
        struct http_request q = { .method = "GET", .url = url, .headers = headers, .max_body = MANIFEST_MAX };
        own_document struct document d = {};
        int e = url ? registry_pull_scope(r, &scope) : -ENOMEM;

        if (e < 0)
                return no_memory(err);
        e = registry_send(r, http, scope, &q, &response, err);
        if (e == 0 && response.status != 200)
                e = registry_refused(&response, err);
        if (e < 0)
                return error_wrap(err, "manifest %s", tag_or_digest);
        read_media_type(&response, &d);
        d.text = response.body;
        response.body = (struct buf){};
        e = check_digest(&response, tag_or_digest, &d, err);
        if (e < 0)
                return error_wrap(err, "manifest %s", tag_or_digest);
        *ret = d;
        d = (struct document){};
        return 0;
}

int registry_get_small_blob(struct registry *r, struct http *http, const struct digest *digest, uint64_t size,
                            struct buf *ret, struct error *err)
{
        own_mem char *url = registry_repository_url(r, "blobs/%s", digest->text), *scope = NULL;
        own_http_response struct http_response response = {};
        struct http_request q = { .method = "GET", .url = url, .max_body = (size_t)size };
        int e = url ? registry_pull_scope(r, &scope) : -ENOMEM;

        if (e < 0)
                return no_memory(err);
        if (size > MANIFEST_MAX)
                return error_set(err, EFBIG, "blob %s has %llu bytes, more than the %d that are taken", digest->text,
                                 (unsigned long long)size, MANIFEST_MAX);
        e = registry_send(r, http, scope, &q, &response, err);
        if (e == 0 && response.status != 200)
                e = registry_refused(&response, err);
        if (e == 0 && response.body.len != size)
                e = error_set(err, EBADMSG, "it has %zu bytes instead of %llu", response.body.len,
                              (unsigned long long)size);
        if (e == 0)
                e = hash_check(buf_str(&response.body), response.body.len, digest, err);
        if (e < 0)
                return error_wrap(err, "blob %s", digest->text);
        *ret = response.body;
        response.body = (struct buf){};
        return 0;
}

int registry_put_manifest(struct registry *r, struct http *http, const char *tag_or_digest, const struct document *d,
                          struct error *err)
{
        own_mem char *url = registry_repository_url(r, "manifests/%s", tag_or_digest), *scope = NULL;
        own_http_response struct http_response response = {};
        struct http_body body = { .data = buf_str(&d->text), .size = d->text.len };
        char type[160];
        const char *headers[] = { type, NULL };
        struct http_request q = { .method = "PUT", .url = url, .headers = headers, .body = &body };
        int e = url ? registry_push_scope(r, NULL, &scope) : -ENOMEM;
        const char *told;

        if (e < 0)
                return no_memory(err);
        snprintf(type, sizeof type, "Content-Type: %s", d->media_type);
        q.max_body = 64 << 10;
        e = registry_send(r, http, scope, &q, &response, err);
        if (e == 0 && response.status != 201 && response.status != 200 && response.status != 202)
                e = registry_refused(&response, err);
        told = e == 0 ? http_header(&response, "Docker-Content-Digest", 0) : NULL;
        if (told && strncmp(told, "sha256:", 7) == 0 && strcmp(told, d->digest.text) != 0)
                e = error_set(err, EBADMSG, "the registry calls it %.80s instead of %s", told, d->digest.text);
        return e < 0 ? error_wrap(err, "put manifest %s", tag_or_digest) : 0;
}
