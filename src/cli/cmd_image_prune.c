/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cli/confirm.h"
#include "cli/human.h"
#include "cli/image_prune.h"

static int tell(const struct prune_result *result, struct error *err)
{
        own_buf struct buf out = {};
        char size[HUMAN_SIZE_MAX];

        human_size(result->bytes, 4, size);
        if (result->removed.len)
                buf_addf(&out, "Deleted Images:\n%s\n", buf_str(&result->removed));
        buf_addf(&out, "Total reclaimed space: %s\n", size);
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
        if (args_flag(&inv->args, OPTION_DRY_RUN))
                return output_write(&list, err);
        /* What no image needs is missed by nobody. */
        r = p->doomed.n ? confirm_removal(&inv->args, &list, err) : 1;
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
