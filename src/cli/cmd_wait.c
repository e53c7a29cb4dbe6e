/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "instance/shim_client.h"

static int read_what(const struct args *a, enum wait_for *ret, struct error *err)
{
        static const struct {
                const char *name;
                enum wait_for what;
        } words[] = { { "exit", WAIT_FOR_EXIT },
                      { "exited", WAIT_FOR_EXIT },
                      { "stopped", WAIT_FOR_EXIT },
                      { "healthy", WAIT_FOR_HEALTHY },
                      { "running", WAIT_FOR_RUNNING } };
        const char *given = args_str(a, OPTION_FOR) ? args_str(a, OPTION_FOR) : args_str(a, OPTION_CONDITION);

        *ret = WAIT_FOR_EXIT;
        for (size_t i = 0; given && i < ARRAY_SIZE(words); i++) {
                if (strcmp(words[i].name, given) == 0) {
                        *ret = words[i].what;
                        return 0;
                }
        }
        return given ? error_set(err, EMISUSED, "--for \"%s\": there are exit, healthy and running", given) : 0;
}

/* It ended before its shim could be asked, or while it was: what was written down holds. */
static int read_end(struct engine *e, struct instance *i, enum wait_for what, struct error *err)
{
        if (!instance_has_ended(e, i))
                return error_set(err, EPIPE, "the shim of %s does not answer", i->name);
        if (instance_is_running(i))
                return error_set(err, ENOENT, "no such instance: %s", i->name);
        return what == WAIT_FOR_EXIT ? 0 : error_set(err, ESRCH, "instance %s does not run", i->name);
}

static int wait_one(struct engine *e, struct instance *i, int shim, enum wait_for what, struct error *err)
{
        struct instance_state state;
        int r = shim < 0 ? -EPIPE : shim_wait(shim, what, &state, err);

        if (r == -EPIPE)
                return read_end(e, i, what, err);
        if (r == 0)
                i->state = state;
        if (r == 0 && what == WAIT_FOR_RUNNING && !instance_is_running(i))
                r = error_set(err, ESRCH, "instance %s has ended", i->name);
        return r < 0 ? error_wrap(err, "wait for %s", i->name) : 0;
}

static int print_end(const struct instance *i, const char *typed, enum wait_for what, struct error *err)
{
        char code[12];

        snprintf(code, sizeof code, "%d", i->state.exit_code);
        return output_line(what == WAIT_FOR_EXIT ? code : typed, err);
}

static int wait_for_all(struct invocation *inv, struct engine *e, struct instance_list *l, enum wait_for what,
                        struct error *err)
{
        own_mem int *shims = calloc(l->n + 1, sizeof *shims);
        struct error ignored;
        int r = 0;

        if (!shims)
                return error_set(err, ENOMEM, "out of memory");
        /* First all connections: none of them is missed while another is waited for. */
        for (size_t n = 0; n < l->n; n++)
                shims[n] = instance_is_running(l->items[n]) ? shim_connect(e, l->items[n], &ignored) : -1;
        for (size_t n = 0; r == 0 && n < l->n; n++) {
                if (wait_one(e, l->items[n], shims[n], what, err) < 0) {
                        report_error(err->text);
                        inv->exit_status = 1;
                } else {
                        r = print_end(l->items[n], l->typed[n], what, err);
                }
                if (shims[n] >= 0)
                        close(shims[n]);
        }
        return r;
}

int cmd_wait(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance_list struct instance_list l = {};
        enum wait_for what;
        int r = read_what(&inv->args, &what, err);

        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = instance_select(inv, &e, instance_is_running, &l, err);
        return r == 0 ? wait_for_all(inv, &e, &l, what, err) : r;
}
