/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/search is Docker's own, old interface; it has stars and descriptions. Registries of today have none, but many
 * list all their repositories (/v2/_catalog), whose names are looked through here.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/operation.h"
#include "fetch/registry_page.h"
#include "fetch/registry_service.h"
#include "fetch/url.h"

enum { MAX_ANSWER = 4 << 20, USUAL_LIMIT = 25, MOST = 100 };

static const char docker_search[] = "https://index.docker.io/v1/search";

struct search {
        struct host *host;
        struct http *http;
        const char *registry, *term;
        uint32_t limit, found;
};

static int tell(struct search *s, const char *name, const char *description, uint64_t stars, bool official,
                struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r;

        json_begin_object(&w, NULL);
        json_write_string(&w, "name", name);
        json_write_string(&w, "description", description);
        json_write_u64(&w, "stars", stars);
        json_write_bool(&w, "official", official);
        json_end_object(&w);
        r = buf_failed(&text) ? error_set(err, ENOMEM, "out of memory") : host_result(s->host, buf_str(&text), err);
        return r < 0 ? r : ++s->found == s->limit;
}

/* --- /v1/search --- */

static int tell_entry(struct search *s, struct json_object *entry, struct error *err)
{
        const char *name = "", *description = "";
        uint64_t stars = 0;
        bool official = false;
        int r;

        if (!json_is_object(entry))
                return error_set(err, EINVAL, "results: expected objects");
        r = json_get_string(entry, "name", &name, err);
        if (r >= 0)
                r = json_get_string(entry, "description", &description, err);
        if (r >= 0)
                r = json_get_u64(entry, "star_count", &stars, err);
        if (r >= 0)
                r = json_get_bool(entry, "is_official", &official, err);
        if (r < 0)
                return r;
        return *name ? tell(s, name, description, stars, official, err) : 0;
}

static int tell_results(struct search *s, const struct http_response *response, struct error *err)
{
        own_json struct json_object *root = NULL;
        struct json_object *results = NULL;
        int r = json_parse(buf_str(&response->body), response->body.len, &root, err);

        if (r == 0 && !json_is_object(root))
                r = error_set(err, EINVAL, "expected an object");
        if (r == 0)
                r = json_get_array(root, "results", &results, err);
        if (r <= 0)
                return r;
        r = 0;
        for (size_t i = 0; i < json_array_size(results) && r == 0; i++)
                r = tell_entry(s, json_array_item(results, i), err);
        return r < 0 ? r : 0;
}

/* ADDRESS?q=TERM&n=LIMIT; registry NULL: nobody's. 1 when it was answered, 0 when there is no such interface. */
static int search_v1(struct search *s, struct registry *registry, const char *address, struct error *err)
{
        own_http_response struct http_response response = {};
        struct http_request q = { .method = "GET", .max_body = MAX_ANSWER };
        char *term = curl_easy_escape(NULL, s->term, 0);
        own_mem char *url = NULL;
        int r;

        if (!term || asprintf(&url, "%s?q=%s&n=%u", address, term, s->limit) < 0) {
                url = NULL;
                r = error_set(err, ENOMEM, "out of memory");
        } else {
                q.url = url;
                r = registry ? registry_send(registry, s->http, "", &q, &response, err)
                             : http_perform(s->http, &q, &response, err);
        }
        curl_free(term);
        if (r < 0)
                return r;
        if (response.status == 404 || response.status == 405)
                return 0;
        if (response.status != 200)
                return registry_refused(&response, err);
        r = tell_results(s, &response, err);
        return r < 0 ? r : 1;
}

/* --- /v2/_catalog --- */

static int tell_page(void *userdata, struct json_object *page, struct error *err)
{
        struct search *s = userdata;
        struct json_object *names = NULL;
        int r = json_get_array(page, "repositories", &names, err);

        if (r <= 0)
                return r;
        r = 0;
        for (size_t i = 0; i < json_array_size(names) && r == 0; i++) {
                const char *name = json_string_value(json_array_item(names, i));

                if (name && strstr(name, s->term))
                        r = tell(s, name, "", 0, false, err);
        }
        return r;
}

static int search_registry(struct search *s, struct registry *registry, struct error *err)
{
        own_mem char *base = registry_url(registry, "%s", ""), *v1 = NULL, *catalog = NULL;
        int r;

        catalog = registry_url(registry, "_catalog?n=1000");
        if (!base || !catalog)
                return error_set(err, ENOMEM, "out of memory");
        r = url_join(base, "/v1/search", &v1, err);
        if (r == 0)
                r = search_v1(s, registry, v1, err);
        if (r == 0)
                r = registry_pages(registry, s->http, "registry:catalog:*", catalog, tell_page, s, err);
        return r < 0 ? r : 0;
}

static int search(struct search *s, struct error *err)
{
        own_registry struct registry *registry = NULL;
        int r;

        if (strcmp(s->registry, "docker.io") == 0) {
                r = search_v1(s, NULL, docker_search, err);
                return r == 0 ? error_set(err, ENOENT, "there is no search any more") : r < 0 ? r : 0;
        }
        r = registry_open_service(s->host, s->registry, s->http, &registry, err);
        return r < 0 ? r : search_registry(s, registry, err);
}

int operation_search(struct host *h, struct json_object *job, struct error *err)
{
        own_http struct http *http = http_new(NULL);
        struct search s = { .host = h, .http = http, .registry = "docker.io", .term = "", .limit = USUAL_LIMIT };
        int r = http ? json_get_string(job, "registry", &s.registry, err) : error_set(err, ENOMEM, "out of memory");

        if (r >= 0)
                r = json_get_string(job, "term", &s.term, err);
        if (r >= 0)
                r = json_get_u32(job, "limit", &s.limit, err);
        if (r < 0)
                return r;
        if (s.limit < 1 || s.limit > MOST)
                s.limit = s.limit ? MOST : USUAL_LIMIT;
        r = search(&s, err);
        return r < 0 ? error_wrap(err, "search %s", s.registry) : 0;
}
