/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect.h"

#include <string.h>

#include "base/own.h"
#include "cli/template.h"

struct inspection {
        inspect_write *write;
        void *userdata;
        const struct template *template; /* NULL: the array */
        struct json_writer w;
        struct buf *out;
};

static int add_line(struct inspection *i, const char *name, struct error *err)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r = i->write(i->userdata, name, &w, err);

        if (r == 0)
                r = json_parse(buf_str(&text), text.len, &json, err);
        if (r == 0)
                r = template_execute(i->template, json, i->out, err);
        if (r == 0)
                buf_add_str(i->out, "\n");
        return r;
}

int inspect_operands(struct invocation *inv, inspect_write *write, void *userdata, struct error *err)
{
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        own_template struct template *t = NULL;
        own_buf struct buf out = {};
        struct inspection i = {
                .write = write, .userdata = userdata, .out = &out, .w = { .out = &out, .indent = format ? 0 : 4 }
        };
        int r = format && strcmp(format, "json") != 0 ? template_parse(format, &t, err) : 0;

        if (r < 0)
                return r;
        i.template = t;
        if (!t)
                json_begin_array(&i.w, NULL);
        for (unsigned n = 0; n < inv->args.n_operands; n++) {
                const char *name = inv->args.operands[n];
                struct error failure = {};

                if ((t ? add_line(&i, name, &failure) : write(userdata, name, &i.w, &failure)) == 0)
                        continue;
                report_error(failure.text);
                inv->exit_status = 1;
        }
        if (!t) {
                json_end_array(&i.w);
                buf_add_str(&out, "\n");
        }
        return output_write(&out, err);
}
