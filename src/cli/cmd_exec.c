/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "cli/instance_options.h"
#include "cli/instance_select.h"
#include "instance/backend.h"
#include "instance/instance_name.h"

static int check(const struct instance *i, const struct exec_request *x, struct error *err)
{
        if (!i->backend->exec)
                return error_set(err, ENOTSUP, "%s: no commands can be run in a %s", i->name, i->backend->name);
        if (i->state.status == INSTANCE_PAUSED)
                return error_set(err, EBUSY, "instance %s is paused; holt unpause %s goes first", i->name, i->name);
        if (i->state.status != INSTANCE_RUNNING && i->state.status != INSTANCE_STOPPING)
                return error_set(err, ESRCH, "instance %s does not run: it is %s; start it with: holt start %s",
                                 i->name, instance_status_name(i->state.status), i->name);
        if (x->tty && x->interactive && !x->detach && !isatty(STDIN_FILENO))
                return error_set(err, ENOTTY, "the input device is not a TTY; leave out --tty or --interactive");
        return 0;
}

static int run(struct invocation *inv, const struct exec_request *x, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        if (r == 0)
                r = check(i, x, err);
        if (r < 0 || !i)
                return r;
        r = i->backend->exec(&e, i, x, &inv->exit_status, err);
        if (r == -ECANCELED) {
                inv->exit_status = 0;
                report_error(err->text);
                return 0;
        }
        if (r < 0)
                inv->failure_status = inv->exit_status;
        return r;
}

int cmd_exec(struct invocation *inv, struct error *err)
{
        const struct args *a = &inv->args;
        own_instance_options struct instance_options o = {};
        char event_id[INSTANCE_ID_LEN + 1];
        struct exec_request x = { .args = (const char *const *)a->operands + 1,
                                  .user = args_str(a, OPTION_USER),
                                  .workdir = args_str(a, OPTION_WORKDIR),
                                  .tty = args_flag(a, OPTION_TTY),
                                  .interactive = args_flag(a, OPTION_INTERACTIVE),
                                  .detach = args_flag(a, OPTION_DETACH),
                                  .privileged = args_flag(a, OPTION_PRIVILEGED),
                                  .detach_keys = args_str(a, OPTION_DETACH_KEYS),
                                  .event_id = event_id };
        int r = instance_options_take(a, &o, err);

        if (r == 0)
                r = instance_options_settle(&o, err);
        if (r == 0)
                r = instance_make_id(event_id, err);
        if (r < 0)
                return r;
        x.env = o.env;
        return run(inv, &x, err);
}
