/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cli/image_prune.h"
#include "cli/prune_list.h"

static int tell(const struct prune_result *result, struct error *err)
{
        own_buf struct buf out = {};

        if (result->removed.len)
                buf_addf(&out, "Deleted Images:\n%s\n", buf_str(&result->removed));
        prune_add_total(&out, result->bytes);
        return output_write(&out, err);
}

static int prune(const struct invocation *inv, struct image_prune *p, struct error *err)
{
        struct prune_result result = {};
        own_buf struct buf list = {};
        int r = image_prune_find(p, &inv->args, err);

        if (r < 0)
                return r;
        image_prune_list(p, &list);
        /* What no image needs is missed by nobody. */
        r = prune_agreed(inv, &list, err);
        if (r > 0)
                r = image_prune_do(p, &result, err);
        else
                return r;
        if (r == 0)
                r = tell(&result, err);
        buf_finish(&result.removed);
        return r;
}

int cmd_image_prune(struct invocation *inv, struct error *err)
{
        struct image_prune p = { .all = args_flag(&inv->args, OPTION_ALL) };
        own_store struct store *store = NULL;
        int r = invocation_store(inv, &store, err);

        p.store = store;
        if (r == 0)
                r = prune(inv, &p, err);
        image_prune_finish(&p);
        return r;
}
