/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/confirm.h"
#include "cli/image_event.h"
#include "cli/instance_filter.h"
#include "cli/instance_select.h"

static const char *const keys[] = { "label", "until", NULL };

struct prune {
        struct engine e;
        struct instance_filter filter;
        struct instance_list doomed;
        struct error *err;
};

static int add(void *userdata, struct instance *i)
{
        struct prune *p = userdata;

        /* What a damaged one is, somebody may want to know first. */
        if (instance_is_running(i) || i->damage || !instance_filter_matches(&p->filter, i))
                return 0;
        return instance_list_add(&p->doomed, &p->e, i->id, p->err);
}

static void name_all(const struct prune *p, struct buf *out)
{
        for (size_t n = 0; n < p->doomed.n; n++)
                buf_addf(out, "  %.12s  %s\n", p->doomed.items[n]->id, p->doomed.items[n]->name);
}

static int remove_all(struct invocation *inv, struct prune *p, struct error *err)
{
        uint64_t bytes = 0;
        int r = 0;

        for (size_t n = 0; r == 0 && n < p->doomed.n; n++) {
                uint64_t size = 0;

                (void)instance_size(p->doomed.items[n], &size, err);
                if (instance_remove(&p->e, p->doomed.items[n], false, false, err) == 0) {
                        bytes += size;
                        r = output_line(p->doomed.items[n]->id, err);
                        continue;
                }
                report_error(err->text);
                inv->exit_status = 1;
        }
        prune_tell(p->e.run, "container", bytes);
        return r;
}

static int prune(struct invocation *inv, struct prune *p, struct error *err)
{
        own_buf struct buf list = {};
        int r = instance_filter_open(&p->filter, &p->e, &inv->args, OPTION_FILTER, keys, err);

        if (r == 0)
                r = instances(&p->e, add, p, err);
        if (r < 0 || !p->doomed.n)
                return r;
        name_all(p, &list);
        if (args_flag(&inv->args, OPTION_DRY_RUN))
                return output_write(&list, err);
        r = confirm_removal(&inv->args, &list, err);
        return r > 0 ? remove_all(inv, p, err) : r;
}

int cmd_container_prune(struct invocation *inv, struct error *err)
{
        struct prune p = { .err = err };
        int r = invocation_engine(inv, &p.e, err);

        if (r == 0)
                r = prune(inv, &p, err);
        instance_list_finish(&p.doomed);
        instance_filter_finish(&p.filter);
        engine_close(&p.e);
        return r;
}
