/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cli/network_prune.h"
#include "cli/prune_list.h"

static int prune(struct invocation *inv, struct network_prune *p, struct error *err)
{
        own_buf struct buf list = {}, out = {};
        int r = network_prune_find(p, &inv->args, err);

        if (r < 0 || !p->n)
                return r;
        network_prune_list(p, &list);
        r = prune_agreed(inv, &list, err);
        if (r <= 0)
                return r;
        network_prune_do(p, inv, &out);
        return output_write(&out, err);
}

int cmd_network_prune(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        struct network_prune p = { .e = &e };
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = prune(inv, &p, err);
        network_prune_finish(&p);
        return r;
}
