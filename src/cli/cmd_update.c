/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/instance_options.h"
#include "cli/instance_select.h"

/* What was given here takes the place of what was given then. */
static int update_one(void *userdata, struct engine *e, struct instance *i, struct error *err)
{
        int r = instance_options_take(userdata, &i->options, err);

        return r < 0 ? r : instance_update(e, i, err);
}

int cmd_update(struct invocation *inv, struct error *err)
{
        if (!inv->args.n_given)
                return error_set(err, EMISUSED, "\"update\" requires a limit that is to be changed");
        return instance_act(inv, NULL, update_one, &inv->args, err);
}
