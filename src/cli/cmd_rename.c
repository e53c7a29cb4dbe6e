/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_select.h"

int cmd_rename(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        return r == 0 ? instance_rename(&e, i, inv->args.operands[1], err) : r;
}
