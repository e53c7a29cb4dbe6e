/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/own.h"
#include "base/rfc3339.h"
#include "cli/format.h"
#include "cli/human.h"
#include "cli/instance_select.h"
#include "instance/vm_template.h"

static const struct format_field fields[] = {
        { "CPUs", "CPUS" },
        { "Created", "CREATED" },
        { "CreatedAt", "CREATED AT" },
        { "Image", "IMAGE" },
        { "Instance", "INSTANCE" },
        { "Memory", "MEMORY" },
        { "Name", "NAME" },
        { "Size", "SIZE" },
        { "UsedBy", "USED BY" },
        {},
};

struct listing {
        struct engine e;
        struct format format;
        struct error *err;
};

static int add(void *userdata, const struct vm_template *t)
{
        own_buf struct buf row = {}, users = {};
        struct json_writer w = { .out = &row };
        char size[HUMAN_SIZE_MAX], memory[HUMAN_SIZE_MAX], since[HUMAN_TIME_MAX], at[RFC3339_MAX],
                text[HUMAN_TIME_MAX + 8];
        struct listing *l = userdata;
        int r = vm_template_users(&l->e, t->name, &users, l->err);

        if (r < 0)
                return r;
        human_size(t->memory + t->disk, 3, size);
        human_size((uint64_t)t->memory_mib << 20, 3, memory);
        human_duration(time(NULL) - t->made, since);
        snprintf(text, sizeof text, "%s ago", since);
        rfc3339_write(t->made * 1000000000, at);
        json_begin_object(&w, NULL);
        json_write_u64(&w, "CPUs", t->cpus);
        json_write_string(&w, "Created", text);
        json_write_string(&w, "CreatedAt", at);
        json_write_string(&w, "Image", t->image_name);
        json_write_string(&w, "Instance", t->original);
        json_write_string(&w, "Memory", memory);
        json_write_string(&w, "Name", t->name);
        json_write_string(&w, "Size", size);
        json_write_string(&w, "UsedBy", buf_str(&users));
        json_end_object(&w);
        return format_add(&l->format, &row, l->err);
}

static int list(struct listing *l, const struct args *args, struct error *err)
{
        bool quiet = args_flag(args, OPTION_QUIET);
        own_buf struct buf out = {};
        int r = format_open(&l->format, quiet ? NULL : args_str(args, OPTION_FORMAT),
                            quiet ? "{{.Name}}"
                                  : "{{.Name}}\t{{.Instance}}\t{{.Image}}\t{{.Memory}}\t{{.Size}}\t{{.Created}}\t"
                                    "{{.UsedBy}}",
                            fields, quiet, err);

        if (r == 0)
                r = vm_template_each(&l->e, add, l, err);
        if (r == 0)
                r = format_write(&l->format, &out, err);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_template_ls(struct invocation *inv, struct error *err)
{
        struct listing l = { .err = err };
        int r = invocation_engine(inv, &l.e, err);

        if (r == 0)
                r = list(&l, &inv->args, err);
        format_finish(&l.format);
        engine_close(&l.e);
        return r;
}
