/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cli/instance_select.h"
#include "cli/prune_list.h"
#include "instance/vm_template.h"

struct prune {
        struct engine e;
        struct prune_list doomed;
        struct error *err;
};

static int add(void *userdata, const struct vm_template *t)
{
        own_buf struct buf users = {};
        struct prune *p = userdata;
        int r = vm_template_users(&p->e, t->name, &users, p->err);

        return r < 0 || users.len ? r : prune_list_add(&p->doomed, t->name, NULL, t->memory + t->disk, p->err);
}

static int remove_one(struct engine *e, struct prune_item *item, struct error *err)
{
        return vm_template_remove(e, item->name, err);
}

static int prune(struct invocation *inv, struct prune *p, struct error *err)
{
        own_buf struct buf list = {}, out = {};
        int r = vm_template_each(&p->e, add, p, err);

        if (r < 0)
                return r;
        prune_list_show(&p->doomed, NULL, &list);
        r = prune_agreed(inv, &list, err);
        if (r <= 0)
                return r;
        prune_add_total(&out, prune_list_remove(&p->doomed, inv, &out));
        return output_write(&out, err);
}

int cmd_template_prune(struct invocation *inv, struct error *err)
{
        struct prune p = { .doomed = { .title = "Deleted Templates:", .remove = remove_one, .may_be_used = true },
                           .err = err };
        int r = invocation_engine(inv, &p.e, err);

        p.doomed.e = &p.e;
        if (r == 0)
                r = prune(inv, &p, err);
        prune_list_finish(&p.doomed);
        engine_close(&p.e);
        return r;
}
