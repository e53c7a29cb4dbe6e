/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/own.h"
#include "base/rfc3339.h"
#include "cli/format.h"
#include "cli/human.h"
#include "cli/image_lookup.h"
#include "cli/instance_select.h"
#include "instance/snapshot.h"

static const struct format_field fields[] = {
        { "Created", "CREATED" },
        { "CreatedAt", "CREATED AT" },
        { "ID", "IMAGE ID" },
        { "Name", "NAME" },
        { "Size", "SIZE" },
        { "UsedBy", "USED BY" },
        {},
};

struct listing {
        struct engine e;
        struct instance *i;
        struct format format;
        bool whole_ids;
        struct error *err;
};

static int add(void *userdata, const struct snapshot *s)
{
        own_buf struct buf row = {}, users = {};
        struct json_writer w = { .out = &row };
        char size[HUMAN_SIZE_MAX], since[HUMAN_TIME_MAX], at[RFC3339_MAX], text[HUMAN_TIME_MAX + 8];
        char id[sizeof(struct digest)];
        struct listing *l = userdata;
        int r = snapshot_users(&l->e, l->i, s, &users, l->err);

        if (r < 0)
                return r;
        human_size(s->size, 3, size);
        human_duration(time(NULL) - s->created / 1000000000, since);
        snprintf(text, sizeof text, "%s ago", since);
        rfc3339_write(s->created, at);
        json_begin_object(&w, NULL);
        json_write_string(&w, "Created", text);
        json_write_string(&w, "CreatedAt", at);
        json_write_string(&w, "ID", image_id_text(&s->image, l->whole_ids, id));
        json_write_string(&w, "Name", s->name);
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
                            quiet ? "{{.Name}}" : "{{.Name}}\t{{.Created}}\t{{.Size}}\t{{.ID}}\t{{.UsedBy}}", fields,
                            quiet, err);

        if (r == 0)
                r = instance_find(&l->e, args->operands[0], &l->i, err);
        if (r == 0)
                r = snapshot_each(&l->e, l->i, add, l, err);
        if (r == 0)
                r = format_write(&l->format, &out, err);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_snapshot_ls(struct invocation *inv, struct error *err)
{
        struct listing l = { .err = err, .whole_ids = args_flag(&inv->args, OPTION_NO_TRUNC) };
        int r = invocation_engine(inv, &l.e, err);

        if (r == 0)
                r = list(&l, &inv->args, err);
        format_finish(&l.format);
        instance_free(l.i);
        engine_close(&l.e);
        return r;
}
