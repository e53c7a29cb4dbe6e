/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "programs/oci/invocation.h"
#include "sys/signal_name.h"

int cmd_kill(struct invocation *inv, struct error *err)
{
        const char *name = inv->args.n_operands > 1 ? inv->args.operands[1] : "TERM";
        bool all = args_flag(&inv->args, OPTION_ALL);
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        int signo, r;

        r = signal_parse(name, &signo);
        if (r < 0)
                return error_set(err, EINVAL, "unknown signal \"%s\"", name);
        r = invocation_container(inv, &c, err);
        if (r < 0)
                return r;
        r = container_kill(&c, signo, all, err);
        /* containerd kills all when init has ended, to be sure: runc takes "nobody is left" for success then. */
        return all && (r == -ESRCH || r == -ENOENT) ? 0 : r;
}
