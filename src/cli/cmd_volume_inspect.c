/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "base/rfc3339.h"
#include "cli/instance_select.h"
#include "cli/template.h"
#include "instance/volume_store.h"

static void write_labels(struct json_writer *w, const struct volume_info *v)
{
        json_begin_object(w, "Labels");
        for (const char *const *label = v->labels; label && *label; label++) {
                const char *equals = strchrnul(*label, '=');
                own_mem char *key = strndup(*label, (size_t)(equals - *label));

                if (key)
                        json_write_string(w, key, *equals ? equals + 1 : "");
        }
        json_end_object(w);
}

static int inspect(struct engine *e, const char *name, struct json_writer *w, struct error *err)
{
        own_volume_info struct volume_info v = {};
        char created[RFC3339_MAX];
        int r = volume_find(e, name, &v, err);

        if (r < 0)
                return r;
        rfc3339_write(v.created * 1000000000, created);
        json_begin_object(w, NULL);
        json_write_string(w, "CreatedAt", created);
        json_write_string(w, "Driver", "local");
        write_labels(w, &v);
        json_write_string(w, "Mountpoint", v.path);
        json_write_string(w, "Name", v.name);
        json_write_raw(w, "Options", "{}");
        json_write_string(w, "Scope", "local");
        json_write_bool(w, "Anonymous", v.anonymous);
        json_end_object(w);
        return 0;
}

/* One line each. */
static int add_line(struct engine *e, const char *name, const struct template *t, struct buf *out, struct error *err)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r = inspect(e, name, &w, err);

        if (r == 0)
                r = json_parse(buf_str(&text), text.len, &json, err);
        if (r == 0)
                r = template_execute(t, json, out, err);
        if (r == 0)
                buf_add_str(out, "\n");
        return r;
}

int cmd_volume_inspect(struct invocation *inv, struct error *err)
{
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        own_template struct template *t = NULL;
        own_engine struct engine e = {};
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out, .indent = format ? 0 : 4 };
        int r = format && strcmp(format, "json") != 0 ? template_parse(format, &t, err) : 0;

        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r < 0)
                return r;
        if (!t)
                json_begin_array(&w, NULL);
        for (unsigned n = 0; n < inv->args.n_operands; n++) {
                const char *name = inv->args.operands[n];

                r = t ? add_line(&e, name, t, &out, err) : inspect(&e, name, &w, err);
                if (r == 0)
                        continue;
                report_error(err->text);
                inv->exit_status = 1;
        }
        if (!t) {
                json_end_array(&w);
                buf_add_str(&out, "\n");
        }
        return output_write(&out, err);
}
