/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template_field.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/template_shape.h"

static int no_field(struct template_run *run, const struct template_value *of, const char *name)
{
        own_buf struct buf names = {};

        run->no_field = true;
        if (of->kind != VALUE_MAP)
                return error_set(run->err, EINVAL, "no field \"%s\": %s has no fields", name, template_kind_name(of));
        for (size_t i = 0; i < of->n; i++)
                buf_addf(&names, "%s%s", i ? ", " : "", json_key(json_member_at(of->json, i)));
        return error_set(run->err, EINVAL, "no field \"%s\"; there are %.300s", name, buf_str(&names));
}

int template_field(struct template_run *run, const struct template_value *of, const char *name,
                   struct template_value *ret)
{
        struct template_value none = {};

        for (size_t i = 0; of->kind == VALUE_MAP && i < of->n; i++) {
                struct json_object *member = json_member_at(of->json, i);

                if (strcmp(json_key(member), name) == 0) {
                        *ret = template_value_of_json(member);
                        return 0;
                }
        }
        if (of->kind == VALUE_MAP && template_is_optional(name))
                none.kind = VALUE_NULL;
        else if (of->kind != VALUE_NONE && !template_is_open_map(of))
                return no_field(run, of, name);
        *ret = none;
        return 0;
}
