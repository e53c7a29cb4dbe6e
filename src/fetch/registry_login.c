/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/operation.h"
#include "fetch/registry_service.h"

/* Any repository will do to learn whether the registry is insecure. */
#define SOME_REPOSITORY "library/any"

int registry_open_service(struct host *h, const char *name, struct http *http, struct registry **ret, struct error *err)
{
        struct registry_options o = { .host = h, .name = name, .repository = "" };
        struct host_endpoint *places = NULL;
        int r = host_endpoints(h, name, SOME_REPOSITORY, true, "latest", &places, err);

        if (r < 0)
                return r;
        o.insecure = places[0].registry && places[0].insecure;
        host_endpoints_free(places);
        return registry_open(&o, http, ret, err);
}

static int tell_result(struct host *h, const char *identity, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        if (identity)
                json_write_string(&w, "identity_token", identity);
        json_end_object(&w);
        return buf_failed(&text) ? error_set(err, ENOMEM, "out of memory") : host_result(h, buf_str(&text), err);
}

int operation_login(struct host *h, struct json_object *job, struct error *err)
{
        own_http struct http *http = http_new(NULL);
        own_registry struct registry *registry = NULL;
        own_mem char *identity = NULL;
        const char *name = NULL;
        int r = http ? json_get_string(job, "registry", &name, err) : error_set(err, ENOMEM, "out of memory");

        if (r == 0)
                r = error_set(err, EINVAL, "registry: is missing");
        if (r > 0)
                r = registry_open_service(h, name, http, &registry, err);
        if (r == 0)
                r = registry_login(registry, http, &identity, err);
        return r < 0 ? r : tell_result(h, identity, err);
}
