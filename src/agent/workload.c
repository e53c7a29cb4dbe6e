/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/workload.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "instance/protocol.h"

enum { LENGTH = 4 };

void workload_request_finish(struct workload_request *r)
{
        json_put(r->json);
        arena_finish(&r->arena);
        *r = (struct workload_request){};
}

static int read_list(struct workload_request *r, const char *key, const char ***ret, struct error *err)
{
        struct json_object *array;
        const char **v;
        size_t n;
        int found = json_get_array(r->json, key, &array, err);

        if (found <= 0)
                return found;
        n = json_array_size(array);
        v = arena_alloc(&r->arena, n + 1, sizeof *v);
        if (!v)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < n; i++) {
                v[i] = json_string_value(json_array_item(array, i));
                if (!v[i])
                        return error_set(err, EINVAL, "%s: not a list of strings", key);
        }
        *ret = v;
        return 0;
}

static int read_kind(struct workload_request *r, struct error *err)
{
        static const char *const kinds[] = {
                [WORKLOAD_CONTAINER] = "container", [WORKLOAD_PROCESS] = "process", [WORKLOAD_ERRAND] = "errand"
        };
        const char *what = "";
        int n = json_get_string(r->json, "what", &what, err);

        if (n < 0)
                return n;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                if (strcmp(what, kinds[i]) == 0) {
                        r->kind = (enum workload_kind)i;
                        return 0;
                }
        }
        return error_set(err, EINVAL, "\"%s\" cannot be started", what);
}

static int read_process(struct workload_request *r, struct error *err)
{
        int n = read_list(r, "args", &r->args, err);

        if (n >= 0)
                n = read_list(r, "env", &r->env, err);
        if (n >= 0)
                n = json_get_string(r->json, "user", &r->user, err);
        if (n >= 0)
                n = json_get_string(r->json, "cwd", &r->cwd, err);
        if (n >= 0)
                n = json_get_bool(r->json, "privileged", &r->privileged, err);
        if (n >= 0)
                n = json_get_u32(r->json, "rows", &r->rows, err);
        if (n >= 0)
                n = json_get_u32(r->json, "columns", &r->columns, err);
        if (n >= 0 && r->kind != WORKLOAD_CONTAINER && (!r->args || !r->args[0]))
                n = error_set(err, EINVAL, "there is nothing to run: args is empty");
        return n;
}

static int read_errand(struct workload_request *r, struct error *err)
{
        int n = json_get_bool(r->json, "follow", &r->follow, err);

        if (n >= 0)
                n = json_get_bool(r->json, "bare", &r->bare, err);
        if (n >= 0)
                n = json_get_bool(r->json, "freeze", &r->freeze, err);
        if (n >= 0 && r->kind == WORKLOAD_ERRAND && r->tty)
                n = error_set(err, EINVAL, "an errand has no terminal");
        return n;
}

static int read_request(struct workload_request *r, struct error *err)
{
        int n = json_is_object(r->json) ? read_kind(r, err) : error_set(err, EINVAL, "not an object");

        r->interactive = true;
        if (n >= 0)
                n = json_get_bool(r->json, "tty", &r->tty, err);
        if (n >= 0)
                n = json_get_bool(r->json, "interactive", &r->interactive, err);
        if (n >= 0)
                n = read_errand(r, err);
        return n < 0 ? n : read_process(r, err);
}

int workload_request_read(const void *payload, size_t len, struct workload_request *ret, struct error *err)
{
        own_workload_request struct workload_request r = {};
        uint32_t json = len < LENGTH ? 0 : protocol_u32(payload);
        int n;

        if (len < LENGTH || json > len - LENGTH)
                return error_set(err, EINVAL, "START is cut off");
        n = json_parse((const char *)payload + LENGTH, json, &r.json, err);
        if (n == 0)
                n = read_request(&r, err);
        if (n < 0)
                return error_wrap(err, "START");
        r.config = (const char *)payload + LENGTH + json;
        r.config_len = len - LENGTH - json;
        *ret = r;
        r = (struct workload_request){};
        return 0;
}
