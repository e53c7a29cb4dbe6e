/* SPDX-License-Identifier: Apache-2.0 */
/* What only transfers with a registry ask. */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "fetch/host_message.h"

/* A copy of the member, "" when it is absent. */
static int copy_string(struct json_object *o, const char *key, char **ret, struct error *err)
{
        const char *value = "";
        int r = json_get_string(o, key, &value, err);

        if (r < 0)
                return r;
        *ret = strdup(value);
        return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}

void host_credentials_finish(struct host_credentials *c)
{
        free(c->username);
        if (c->password)
                explicit_bzero(c->password, strlen(c->password));
        free(c->password);
        free(c->identity_token);
        *c = (struct host_credentials){};
}

int host_credentials(struct host *h, const char *registry, const char *repository, struct host_credentials *ret,
                     struct error *err)
{
        own_host_answer struct host_answer a = { .fds = { -1, -1 } };
        struct host_credentials c = {};
        struct host_request q;
        int r;

        host_ask_begin(&q, "credentials");
        json_write_string(&q.writer, "registry", registry);
        json_write_string(&q.writer, "repository", repository);
        r = host_ask(h, &q, NULL, 0, 0, &a, err);
        if (r == 0)
                r = copy_string(a.json, "username", &c.username, err);
        if (r == 0)
                r = copy_string(a.json, "password", &c.password, err);
        if (r == 0)
                r = copy_string(a.json, "identity_token", &c.identity_token, err);
        if (r < 0)
                host_credentials_finish(&c);
        else
                *ret = c;
        return r;
}

void host_endpoints_free(struct host_endpoint *e)
{
        for (struct host_endpoint *i = e; i && i->registry; i++) {
                free(i->registry);
                free(i->repository);
        }
        free(e);
}

static int read_endpoint(struct json_object *o, struct host_endpoint *ret, struct error *err)
{
        int r = copy_string(o, "registry", &ret->registry, err);

        if (r == 0)
                r = copy_string(o, "repository", &ret->repository, err);
        if (r == 0)
                r = json_get_bool(o, "insecure", &ret->insecure, err);
        return r < 0 ? r : 0;
}

int host_endpoints(struct host *h, const char *registry, const char *repository, bool for_push,
                   const char *tag_or_digest, struct host_endpoint **ret, struct error *err)
{
        own_host_answer struct host_answer a = { .fds = { -1, -1 } };
        struct host_endpoint *endpoints;
        struct json_object *list = NULL;
        struct host_request q;
        int r;

        host_ask_begin(&q, "endpoints");
        json_write_string(&q.writer, "registry", registry);
        json_write_string(&q.writer, "repository", repository);
        json_write_string(&q.writer, "tag", tag_or_digest);
        json_write_bool(&q.writer, "push", for_push);
        r = host_ask(h, &q, NULL, 0, 0, &a, err);
        if (r == 0)
                r = json_get_array(a.json, "endpoints", &list, err);
        if (r <= 0)
                return r < 0 ? r : error_set(err, EBADMSG, "answer of holt: no endpoints");
        endpoints = calloc(json_array_size(list) + 1, sizeof *endpoints);
        if (!endpoints)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < json_array_size(list); i++) {
                r = read_endpoint(json_array_item(list, i), &endpoints[i], err);
                if (r < 0) {
                        host_endpoints_free(endpoints);
                        return r;
                }
        }
        *ret = endpoints;
        return 0;
}
