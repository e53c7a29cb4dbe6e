/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/own.h"
#include "base/parse.h"
#include "base/rfc3339.h"
#include "cli/format.h"
#include "cli/human.h"
#include "cli/instance_select.h"
#include "instance/vm_pool.h"

static const struct format_field fields[] = {
        { "Created", "CREATED" }, { "CreatedAt", "CREATED AT" }, { "Status", "STATUS" }, { "Template", "TEMPLATE" }, {},
};

static int add(struct format *f, const struct vm_pool_entry *e, struct error *err)
{
        own_buf struct buf row = {};
        struct json_writer w = { .out = &row };
        char since[HUMAN_TIME_MAX], text[HUMAN_TIME_MAX + 8], at[RFC3339_MAX];

        human_duration(time(NULL) - e->since, since);
        snprintf(text, sizeof(text), "%s ago", since);
        rfc3339_write(e->since * 1000000000, at);
        json_begin_object(&w, NULL);
        json_write_string(&w, "Created", text);
        json_write_string(&w, "CreatedAt", at);
        json_write_string(&w, "Status", e->is_ready ? "ready" : "starting");
        json_write_string(&w, "Template", e->key);
        json_end_object(&w);
        return format_add(f, &row, err);
}

static int list(const struct engine *e, const char *template, struct buf *out, struct error *err)
{
        own_mem struct vm_pool_entry *v = NULL;
        struct format format = {};
        size_t n = 0;
        int r = format_open(&format, template, "{{.Template}}\t{{.Status}}\t{{.Created}}", fields, false, err);

        if (r == 0)
                r = vm_pool_list(e, &v, &n, err);
        for (size_t i = 0; i < n && r == 0; i++)
                r = add(&format, &v[i], err);
        if (r == 0)
                r = format_write(&format, out, err);
        format_finish(&format);
        return r;
}

static int set(const struct engine *e, const char *number, struct error *err)
{
        uint32_t size;

        if (parse_u32(number, 10, &size) < 0 || size > VM_POOL_MAX)
                return error_set(err, EINVAL, "\"%s\" is no number of machines: 0 to %d", number, VM_POOL_MAX);
        return vm_pool_set_size(e, size, err);
}

static int show_size(const struct engine *e, struct buf *out, struct error *err)
{
        struct holt_conf c;
        int r = holt_conf_read(&c, err);

        if (r < 0)
                return r;
        buf_addf(out, "%u\n", vm_pool_size(e, &c));
        return 0;
}

int cmd_system_pool(struct invocation *inv, struct error *err)
{
        const char *number = inv->args.n_operands ? inv->args.operands[0] : NULL;
        own_buf struct buf out = {};
        struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        if (r == 0 && number)
                r = set(&e, number, err);
        else if (r == 0 && args_flag(&inv->args, OPTION_SIZE))
                r = show_size(&e, &out, err);
        else if (r == 0)
                r = list(&e, args_str(&inv->args, OPTION_FORMAT), &out, err);
        engine_close(&e);
        return r < 0 || number ? r : output_write(&out, err);
}
