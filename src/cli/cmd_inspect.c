/* SPDX-License-Identifier: Apache-2.0 */
/* Instances, and images where there is no instance of that name. */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/image_inspect.h"
#include "cli/instance_inspect.h"
#include "cli/instance_select.h"
#include "cli/template.h"

struct inspection {
        struct engine e;
        bool instances, images; /* what may be meant */
        const struct template *template;
        struct json_writer w;
        struct buf *out;
};

static int write_one(struct inspection *n, const char *name, struct json_writer *w, struct error *err)
{
        own_instance struct instance *i = NULL;
        struct store *store;
        int r = n->instances ? instance_find(&n->e, name, &i, err) : -ENOENT;

        if (r == 0)
                instance_inspect(&n->e, i, w);
        if (r != -ENOENT || !n->images)
                return r;
        r = engine_store(&n->e, &store, err);
        if (r == 0)
                r = image_inspect(store, name, w, err);
        return r == -ENOENT && n->instances ? error_set(err, ENOENT, "no such instance or image: %s", name) : r;
}

/* One line each. */
static int add_line(struct inspection *n, const char *name, struct error *err)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r = write_one(n, name, &w, err);

        if (r == 0)
                r = json_parse(buf_str(&text), text.len, &json, err);
        if (r == 0)
                r = template_execute(n->template, json, n->out, err);
        if (r == 0)
                buf_add_str(n->out, "\n");
        return r;
}

static void inspect_all(struct invocation *inv, struct inspection *n, struct error *err)
{
        if (!n->template)
                json_begin_array(&n->w, NULL);
        for (unsigned k = 0; k < inv->args.n_operands; k++) {
                const char *name = inv->args.operands[k];
                int r = n->template ? add_line(n, name, err) : write_one(n, name, &n->w, err);

                if (r < 0) {
                        report_error(err->text);
                        inv->exit_status = 1;
                }
        }
        if (n->template)
                return;
        json_end_array(&n->w);
        buf_add_str(n->out, "\n");
}

int cmd_inspect(struct invocation *inv, struct error *err)
{
        static const char *const types[] = { "container", "image", NULL };
        const char *format = args_str(&inv->args, OPTION_FORMAT), *type = args_str(&inv->args, OPTION_TYPE);
        own_template struct template *t = NULL;
        own_buf struct buf out = {};
        struct inspection n = { .out = &out, .w = { .out = &out, .indent = format ? 0 : 4 } };
        int r = check_choice("type", type, types, err);

        n.instances = !type || strcmp(type, "container") == 0;
        n.images = !type || strcmp(type, "image") == 0;
        if (strncmp(inv->args.command->name, "container", 9) == 0)
                n.images = false;
        if (r == 0 && format && strcmp(format, "json") != 0)
                r = template_parse(format, &t, err);
        if (r == 0)
                r = invocation_engine(inv, &n.e, err);
        if (r < 0)
                return r;
        n.template = t;
        inspect_all(inv, &n, err);
        engine_close(&n.e);
        return output_write(&out, err);
}
