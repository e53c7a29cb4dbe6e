/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cli/image_event.h"
#include "cli/instance_filter.h"
#include "cli/instance_prune.h"

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

static int prune(struct invocation *inv, struct prune *p, struct error *err)
{
        own_buf struct buf list = {}, out = {};
        int r = instance_filter_open(&p->filter, &p->e, &inv->args, OPTION_FILTER, keys, err);

        if (r == 0)
                r = instances(&p->e, add, p, err);
        if (r < 0 || !p->doomed.n)
                return r;
        instance_prune_show(&p->doomed, "", &list);
        r = prune_agreed(inv, &list, err);
        if (r <= 0)
                return r;
        prune_tell(p->e.run, "container", instance_prune_do(&p->doomed, &p->e, NULL, inv, &out));
        return output_write(&out, err);
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
