/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/network_select.h"

static int remove_one(struct invocation *inv, struct engine *e, const char *name, struct error *err)
{
        const struct network_place place = network_place_of_engine(e);
        own_network struct network n = {};
        int r = network_find(&place, name, &n, err);

        if (r == -ENOENT && args_flag(&inv->args, OPTION_FORCE))
                return 0;
        if (r == 0)
                r = args_flag(&inv->args, OPTION_DRY_RUN) ? network_check_unused(e, &n, err)
                                                          : network_take_away(e, &n, err);
        return r == 0 ? output_line(name, err) : r;
}

int cmd_network_rm(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        for (unsigned k = 0; r == 0 && k < inv->args.n_operands; k++) {
                if (remove_one(inv, &e, inv->args.operands[k], err) == 0)
                        continue;
                report_error(err->text);
                inv->exit_status = 1;
        }
        return r;
}
