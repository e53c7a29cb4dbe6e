/* SPDX-License-Identifier: Apache-2.0 */
/* pause, unpause */
#include "cli/instance_select.h"

static int change(void *userdata, struct engine *e, struct instance *i, struct error *err)
{
        return instance_pause(e, i, *(const bool *)userdata, err);
}

static bool runs(const struct instance *i)
{
        return i->state.status == INSTANCE_RUNNING;
}

static bool is_paused(const struct instance *i)
{
        return i->state.status == INSTANCE_PAUSED;
}

int cmd_pause(struct invocation *inv, struct error *err)
{
        bool paused = true;

        return instance_act(inv, runs, change, &paused, err);
}

int cmd_unpause(struct invocation *inv, struct error *err)
{
        bool paused = false;

        return instance_act(inv, is_paused, change, &paused, err);
}
