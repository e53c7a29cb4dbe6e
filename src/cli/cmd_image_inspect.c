/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/image_inspect.h"
#include "cli/image_lookup.h"
#include "cli/template.h"

struct inspection {
        struct store *store;
        struct json_writer w; /* the array, or the image for the template */
        struct error *err;
};

/* One line an image. */
static int inspect_with_template(struct inspection *i, const char *name, const struct template *t, struct buf *out)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf text = {};
        int r;

        i->w = (struct json_writer){ .out = &text };
        r = image_inspect(i->store, name, &i->w, i->err);
        if (r == 0)
                r = json_parse(buf_str(&text), text.len, &json, i->err);
        if (r == 0)
                r = template_execute(t, json, out, i->err);
        if (r == 0)
                buf_add_str(out, "\n");
        return r;
}

int cmd_image_inspect(struct invocation *inv, struct error *err)
{
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        own_template struct template *t = NULL;
        own_store struct store *store = NULL;
        own_buf struct buf out = {};
        struct inspection i = { .w = { .out = &out, .indent = 4 } };
        int r = 0;

        if (format && strcmp(format, "json") != 0)
                r = template_parse(format, &t, err);
        if (r == 0)
                r = invocation_store(inv, &store, err);
        if (r < 0)
                return r;
        i.store = store;
        i.w.indent = format ? 0 : 4;
        if (!t)
                json_begin_array(&i.w, NULL);
        for (unsigned n = 0; n < inv->args.n_operands; n++) {
                struct error failure = {};

                i.err = &failure;
                r = t ? inspect_with_template(&i, inv->args.operands[n], t, &out)
                      : image_inspect(store, inv->args.operands[n], &i.w, &failure);
                if (r == 0)
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
