/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cli/human.h"
#include "cli/image_prune.h"

/* Also for `system prune`, where there is nothing but images yet. */
static int prune(struct invocation *inv, const char *what, struct error *err)
{
        own_store struct store *store = NULL;
        own_buf struct buf question = {}, out = {};
        struct prune_result result = {};
        char size[HUMAN_SIZE_MAX];
        int r;

        buf_addf(&question, "WARNING! This will remove %s.\nAre you sure you want to continue? [y/N] ", what);
        if (!args_flag(&inv->args, OPTION_FORCE) && !ask(buf_str(&question)))
                return 0;
        r = invocation_store(inv, &store, err);
        if (r == 0)
                r = image_prune(store, &inv->args, args_flag(&inv->args, OPTION_ALL), &result, err);
        if (r == 0) {
                human_size(result.bytes, 4, size);
                if (result.removed.len)
                        buf_addf(&out, "Deleted Images:\n%s\n", buf_str(&result.removed));
                buf_addf(&out, "Total reclaimed space: %s\n", size);
                r = output_write(&out, err);
        }
        buf_finish(&result.removed);
        return r;
}

int cmd_image_prune(struct invocation *inv, struct error *err)
{
        return prune(inv, args_flag(&inv->args, OPTION_ALL) ? "all images that nothing uses" : "all dangling images",
                     err);
}

int cmd_system_prune(struct invocation *inv, struct error *err)
{
        return prune(inv,
                     args_flag(&inv->args, OPTION_ALL) ? "all images that nothing uses, and all that no image needs"
                                                       : "all dangling images, and all that no image needs",
                     err);
}
