/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/format.h"
#include "cli/instance_select.h"
#include "cli/volume_filter.h"

static const struct format_field fields[] = {
        { "Availability", "AVAILABILITY" },
        { "Driver", "DRIVER" },
        { "Group", "GROUP" },
        { "Label", "" },
        { "Labels", "LABELS" },
        { "Links", "LINKS" },
        { "Mountpoint", "MOUNTPOINT" },
        { "Name", "VOLUME NAME" },
        { "Scope", "SCOPE" },
        { "Size", "SIZE" },
        { "Status", "STATUS" },
        {},
};

struct listing {
        struct engine e;
        struct filters filters;
        struct format format;
        struct error *err;
};

static int add(void *userdata, const struct volume_info *v)
{
        own_buf struct buf row = {}, labels = {};
        struct json_writer w = { .out = &row };
        struct listing *l = userdata;
        int r = volume_filter_matches(&l->filters, &l->e, v, l->err);

        if (r <= 0)
                return r;
        for (const char *const *label = v->labels; label && *label; label++)
                buf_addf(&labels, "%s%s", labels.len ? "," : "", *label);
        json_begin_object(&w, NULL);
        json_write_string(&w, "Availability", "N/A");
        json_write_string(&w, "Driver", "local");
        json_write_string(&w, "Group", "N/A");
        format_write_labels(&l->format, v->labels, &w);
        json_write_string(&w, "Labels", buf_str(&labels));
        json_write_string(&w, "Links", "N/A");
        json_write_string(&w, "Mountpoint", v->path);
        json_write_string(&w, "Name", v->name);
        json_write_string(&w, "Scope", "local");
        json_write_string(&w, "Size", "N/A");
        json_write_string(&w, "Status", "N/A");
        json_end_object(&w);
        return format_add(&l->format, &row, l->err);
}

static int list(struct listing *l, const struct args *args, struct error *err)
{
        static const char *const known[] = { "dangling", "driver", "label", "name", NULL };
        bool quiet = args_flag(args, OPTION_QUIET);
        own_buf struct buf out = {};
        int r = volume_filter_open(&l->filters, args, OPTION_FILTER, known, err);

        if (r == 0)
                r = format_open(&l->format, quiet ? NULL : args_str(args, OPTION_FORMAT),
                                quiet ? "{{.Name}}" : "{{.Driver}}\t{{.Name}}", fields, quiet, err);
        if (r == 0)
                r = volume_each(&l->e, add, l, err);
        if (r == 0)
                r = format_write(&l->format, &out, err);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_volume_ls(struct invocation *inv, struct error *err)
{
        struct listing l = { .err = err };
        int r = invocation_engine(inv, &l.e, err);

        if (r == 0)
                r = list(&l, &inv->args, err);
        format_finish(&l.format);
        filters_finish(&l.filters);
        engine_close(&l.e);
        return r;
}
