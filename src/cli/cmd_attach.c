/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "instance/instance_event.h"
#include "instance/shim_client.h"

static int check(const struct instance *i, const struct attach_options *o, struct error *err)
{
        if (i->state.status == INSTANCE_PAUSED)
                return error_set(err, EBUSY, "instance %s is paused; holt unpause %s goes first", i->name, i->name);
        if (!instance_is_running(i))
                return error_set(err, ESRCH, "instance %s does not run; holt start -a %s starts it", i->name, i->name);
        if (o->input && i->options.tty && !isatty(STDIN_FILENO))
                return error_set(err, ENOTTY, "the input device is not a TTY; --no-stdin only shows the output");
        return 0;
}

/* It ran a moment ago. */
static int attach(struct engine *e, struct instance *i, int *ret_shim, struct error *err)
{
        int r = *ret_shim = shim_connect(e, i, err);

        if (r >= 0)
                r = shim_attach(*ret_shim, err);
        if ((r == -ENOENT || r == -ECONNREFUSED || r == -EPIPE) && instance_has_ended(e, i))
                return error_set(err, ESRCH, "instance %s does not run: it has ended", i->name);
        return r;
}

int cmd_attach(struct invocation *inv, struct error *err)
{
        const struct args *a = &inv->args;
        struct attach_options o = { .proxy_signals = !args_has(a, OPTION_SIG_PROXY) || args_flag(a, OPTION_SIG_PROXY),
                                    .detach_keys = args_str(a, OPTION_DETACH_KEYS),
                                    .redraw = true };
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        own_fd int shim = -1;
        enum attach_end end;
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_find(&e, a->operands[0], &i, err);
        if (r < 0 || !i)
                return r;
        o.name = i->name;
        o.tty = i->options.tty;
        o.input = i->options.interactive && !args_flag(a, OPTION_NO_STDIN);
        r = check(i, &o, err);
        if (r == 0)
                r = attach(&e, i, &shim, err);
        if (r == 0)
                instance_tell(&e, i, "attach", NULL);
        if (r == 0)
                r = shim_relay(shim, &o, &end, &inv->exit_status, err);
        if (r == 0 && end == ATTACH_DETACHED) {
                instance_tell(&e, i, "detach", NULL);
                report_error("read escape sequence");
        }
        return r;
}
