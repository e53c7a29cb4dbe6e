/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "cli/instance_select.h"
#include "sys/signal_name.h"

static int kill_one(void *userdata, struct engine *e, struct instance *i, struct error *err)
{
        return instance_kill(e, i, *(const int *)userdata, err);
}

int cmd_kill(struct invocation *inv, struct error *err)
{
        const char *name = args_str(&inv->args, OPTION_SIGNAL);
        int signo = SIGKILL;

        if (name && (signal_parse(name, &signo) < 0 || signo == 0))
                return error_set(err, EMISUSED, "there is no signal \"%s\"", name);
        return instance_act(inv, instance_is_running, kill_one, &signo, err);
}
