/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks object (runtime-spec, config.md#posix-platform-hooks) */
#include "oci/spec_parse.h"

#include <errno.h>

#include "base/own.h"

static int hook_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_hook *h = ret;

        if (read_required(o, "path", &h->path, err) < 0 || read_absolute(o, "path", &h->path, err) < 0 ||
            read_str_list(a, o, "args", &h->args, err) < 0 || read_str_list(a, o, "env", &h->env, err) < 0 ||
            read_opt_i64(o, "timeout", &h->timeout, err) < 0)
                return -err->code;
        if (h->timeout.set && h->timeout.v <= 0)
                return error_set(err, EINVAL, "timeout: must be more than 0");
        return 0;
}

int hooks_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_hooks *h = ret;
        const struct {
                const char *key;
                struct spec_hook_list *field;
        } lists[] = {
                { "prestart", &h->prestart },
                { "createRuntime", &h->create_runtime },
                { "createContainer", &h->create_container },
                { "startContainer", &h->start_container },
                { "poststart", &h->poststart },
                { "poststop", &h->poststop },
        };

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                struct spec_hook_list *l = lists[i].field;
                int r = read_objects(a, o, lists[i].key, hook_read, sizeof *l->v, &l->v, &l->n, err);

                if (r < 0)
                        return r;
        }
        return 0;
}
