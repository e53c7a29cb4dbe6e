/* SPDX-License-Identifier: Apache-2.0 */
/* start and restart */
#include <errno.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_filter.h"
#include "cli/instance_select.h"
#include "instance/exit_status.h"
#include "instance/instance_event.h"
#include "instance/shim_client.h"

static int start(struct engine *e, struct instance *i, bool attach, int *ret_shim, struct error *err)
{
        int r = instance_start(e, i, attach, ret_shim, err);

        if (r < 0 && r != -EALREADY && r != -EBUSY)
                instance_fail(e, i, exit_status_of(err), err->text);
        return r < 0 ? error_wrap(err, "start %s", i->name) : 0;
}

static int start_one(void *userdata, struct engine *e, struct instance *i, struct error *err)
{
        const struct instance_filter *f = userdata;
        own_fd int shim = -1;
        int r;

        if (!instance_filter_matches(f, i))
                return 0;
        r = start(e, i, false, &shim, err);
        return r == -EALREADY ? 0 : r;
}

static int attach(struct invocation *inv, struct error *err)
{
        const struct args *a = &inv->args;
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        struct attach_options o = { .proxy_signals = !args_has(a, OPTION_SIG_PROXY) || args_flag(a, OPTION_SIG_PROXY),
                                    .detach_keys = args_str(a, OPTION_DETACH_KEYS) };
        enum attach_end end;
        own_fd int shim = -1;
        int r;

        if (a->n_operands != 1)
                return error_set(err, EMISUSED, "--attach and --interactive take one instance");
        r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = instance_find(&e, a->operands[0], &i, err);
        if (r < 0 || !i)
                return r;
        r = start(&e, i, true, &shim, err);
        if (r < 0) {
                inv->failure_status = r == -EALREADY ? 1 : exit_status_of(err);
                return r;
        }
        o.name = i->name;
        o.tty = i->options.tty;
        o.input = args_flag(a, OPTION_INTERACTIVE) && i->options.interactive;
        r = shim_relay(shim, &o, &end, &inv->exit_status, err);
        return r < 0 || end == ATTACH_DETACHED ? r : instance_clean_up(&e, i, err);
}

static bool does_not_run(const struct instance *i)
{
        return !instance_is_running(i);
}

/* What the keys need of an engine is only to find other instances. */
static int open_filter(struct invocation *inv, struct instance_filter *f, struct error *err)
{
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        return r == 0 ? instance_filter_open(f, &e, &inv->args, OPTION_FILTER, instance_filter_keys, err) : r;
}

int cmd_start(struct invocation *inv, struct error *err)
{
        own_instance_filter struct instance_filter f = {};
        int r;

        if (args_flag(&inv->args, OPTION_ATTACH) || args_flag(&inv->args, OPTION_INTERACTIVE))
                return attach(inv, err);
        r = open_filter(inv, &f, err);
        return r == 0 ? instance_act(inv, does_not_run, start_one, &f, err) : r;
}

static int restart_one(void *userdata, struct engine *e, struct instance *i, struct error *err)
{
        own_fd int shim = -1;
        int r = instance_stop(e, i, *(const int *)userdata, err);

        if (r == 0)
                r = instance_read_state(e, i, err);
        if (r == 0)
                r = start(e, i, false, &shim, err);
        if (r == 0)
                instance_tell(e, i, "restart", NULL);
        return r;
}

int cmd_restart(struct invocation *inv, struct error *err)
{
        int64_t given = TIMEOUT_OWN;
        int timeout, r = args_i64(&inv->args, OPTION_TIME, &given, err);

        if (r > 0 && (given < TIMEOUT_NONE || given > 1 << 30))
                return error_set(err, EMISUSED, "--time %lld: out of range", (long long)given);
        timeout = (int)given;
        return r < 0 ? r : instance_act(inv, NULL, restart_one, &timeout, err);
}
