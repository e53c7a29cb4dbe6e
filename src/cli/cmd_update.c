/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/instance_options.h"
#include "cli/instance_select.h"

/* What was given here takes the place of what was given then. */
static int change(void *userdata, struct instance_options *o, struct error *err)
{
        return instance_options_take(userdata, o, err);
}

static int update_one(void *userdata, struct engine *e, struct instance *i, struct error *err)
{
        return instance_update(e, i, change, userdata, err);
}

int cmd_update(struct invocation *inv, struct error *err)
{
        if (!inv->args.n_given)
                return error_set(err, EMISUSED, "\"update\" requires a limit that is to be changed");
        return instance_act(inv, NULL, update_one, &inv->args, err);
}
