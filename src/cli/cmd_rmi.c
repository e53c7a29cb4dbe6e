/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/image_remove.h"

static int remove_one(struct store *store, const char *typed, bool force, struct buf *out, struct error *err)
{
        own_mem struct image_info *info = NULL;
        struct reference name;
        int r = image_find_named(store, typed, &info, &name, err);
        bool named = r == 0 && *name.registry;

        if (r < 0)
                return r;
        if (!named && !force && info->names[0] && info->names[1])
                return error_set(err, EBUSY, "%s has several names; -f removes it with all of them", typed);
        return image_remove(store, info, named ? &name : NULL, out, err);
}

/* All that can be removed are; those that cannot are told one by one. */
int cmd_rmi(struct invocation *inv, struct error *err)
{
        bool force = args_flag(&inv->args, OPTION_FORCE);
        own_store struct store *store = NULL;
        own_buf struct buf out = {};
        int r = invocation_store(inv, &store, err);

        if (r == 0 && args_flag(&inv->args, OPTION_DRY_RUN))
                r = store_rehearse(store, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < inv->args.n_operands; i++) {
                struct error failure = {};

                r = remove_one(store, inv->args.operands[i], force, &out, &failure);
                /* As with Docker, -f forgives what is not there. */
                if (r == 0 || (force && r == -ENOENT))
                        continue;
                report_error(failure.text);
                inv->exit_status = 1;
        }
        return output_write(&out, err);
}
