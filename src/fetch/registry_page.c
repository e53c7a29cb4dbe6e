/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/url.h"

enum { MAX_PAGE = 4 << 20, MAX_PAGES = 1000 };

/* <ADDRESS>; rel="next": *ret is malloc'ed; 1, or 0 when this was the last page. */
static int next_address(const struct http_response *response, char **ret, struct error *err)
{
        const char *link = http_header(response, "Link", 0), *end = link ? strchr(link, '>') : NULL;
        own_mem char *relative = NULL;
        int r;

        if (!link || *link != '<' || !end || !strstr(end, "next"))
                return 0;
        relative = strndup(link + 1, (size_t)(end - link - 1));
        if (!relative)
                return error_set(err, ENOMEM, "out of memory");
        r = url_join(response->url, relative, ret, err);
        if (r == 0 && !url_same_origin(response->url, *ret))
                r = error_set(err, EPROTO, "the next page is on another server");
        return r < 0 ? r : 1;
}

static int read_page(const struct http_response *response,
                     int (*each)(void *userdata, struct json_object *page, struct error *err), void *userdata,
                     struct error *err)
{
        own_json struct json_object *page = NULL;
        int r;

        if (response->status != 200)
                return registry_refused(response, err);
        r = json_parse(buf_str(&response->body), response->body.len, &page, err);
        if (r == 0 && !json_is_object(page))
                r = error_set(err, EINVAL, "expected an object");
        return r < 0 ? r : each(userdata, page, err);
}

int registry_pages(struct registry *r, struct http *http, const char *scope, const char *url,
                   int (*each)(void *userdata, struct json_object *page, struct error *err), void *userdata,
                   struct error *err)
{
        own_http_response struct http_response response = {};
        own_mem char *address = strdup(url);
        int e = address ? 0 : error_set(err, ENOMEM, "out of memory");

        for (unsigned i = 0; e == 0; i++) {
                struct http_request q = { .method = "GET", .url = address, .max_body = MAX_PAGE };
                own_mem char *next = NULL;

                if (i == MAX_PAGES)
                        return error_set(err, EFBIG, "more than %d pages", MAX_PAGES);
                e = registry_send(r, http, scope, &q, &response, err);
                if (e == 0)
                        e = read_page(&response, each, userdata, err);
                if (e == 0)
                        e = next_address(&response, &next, err);
                if (e <= 0)
                        return e;
                free(address);
                address = take_ptr(next);
                e = 0;
        }
        return e;
}
