/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "cli/instance_filter.h"
#include "cli/instance_row.h"
#include "cli/instance_select.h"

struct listing {
        struct engine e;
        struct instance_filter filter;
        struct format format;
        struct row_options row;
        bool all;
        uint32_t last; /* at most so many; 0: all */
        uint32_t shown;
        struct error *err;
};

static int add(void *userdata, struct instance *i)
{
        struct listing *l = userdata;
        own_buf struct buf row = {};

        if ((!l->all && !instance_is_running(i)) || !instance_filter_matches(&l->filter, i))
                return 0;
        instance_row(&l->e, i, &l->row, &l->format, &row);
        if (format_add(&l->format, &row, l->err) < 0)
                return -l->err->code;
        return l->last && ++l->shown == l->last;
}

static const char *template_of(const struct listing *l, bool quiet)
{
        if (quiet)
                return "{{.ID}}";
        return l->row.size ? "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}\t"
                             "{{.Size}}"
                           : "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
}

static int list(struct invocation *inv, struct listing *l, struct error *err)
{
        bool quiet = args_flag(&inv->args, OPTION_QUIET);
        own_buf struct buf out = {};
        int r = instance_filter_open(&l->filter, &l->e, &inv->args, OPTION_FILTER, instance_filter_keys, err);

        l->all = l->all || l->filter.all_statuses;
        if (r == 0)
                r = format_open(&l->format, quiet ? NULL : args_str(&inv->args, OPTION_FORMAT), template_of(l, quiet),
                                instance_fields, quiet, err);
        if (r == 0)
                r = instances(&l->e, add, l, err);
        if (r >= 0)
                r = format_write(&l->format, &out, err);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_ps(struct invocation *inv, struct error *err)
{
        struct listing l = { .err = err,
                             .all = args_flag(&inv->args, OPTION_ALL),
                             .row = { .whole = args_flag(&inv->args, OPTION_NO_TRUNC),
                                      .size = args_flag(&inv->args, OPTION_SIZE) } };
        int r = args_u32(&inv->args, OPTION_LAST, &l.last, err);

        if (args_flag(&inv->args, OPTION_LATEST))
                l.last = 1;
        l.all = l.all || l.last;
        if (r >= 0)
                r = invocation_engine(inv, &l.e, err);
        if (r >= 0)
                r = list(inv, &l, err);
        format_finish(&l.format);
        instance_filter_finish(&l.filter);
        engine_close(&l.e);
        return r;
}
