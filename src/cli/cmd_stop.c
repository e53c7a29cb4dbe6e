/* SPDX-License-Identifier: Apache-2.0 */
/* stop and system shutdown */
/* All are asked to end before the first is waited for. */
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_select.h"

static int report(struct invocation *inv, const struct error *err)
{
        report_error(err->text);
        inv->exit_status = 1;
        return 0;
}

static int stop_all(struct invocation *inv, struct engine *e, struct instance_list *l, int timeout, struct error *err)
{
        own_mem int *shims = calloc(l->n + 1, sizeof *shims);
        int r = 0;

        if (!shims)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t n = 0; n < l->n; n++) {
                if (instance_stop_begin(e, l->items[n], timeout, &shims[n], err) < 0) {
                        report(inv, err);
                        shims[n] = -2;
                }
        }
        for (size_t n = 0; n < l->n; n++) {
                if (shims[n] == -2)
                        continue;
                if (instance_stop_end(e, l->items[n], shims[n], err) < 0)
                        report(inv, err);
                else if (r == 0)
                        r = output_line(l->typed[n], err);
                if (shims[n] >= 0)
                        close(shims[n]);
        }
        return r;
}

int cmd_stop(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance_list struct instance_list l = {};
        int64_t timeout = TIMEOUT_OWN;
        int r = args_i64(&inv->args, OPTION_TIME, &timeout, err);

        if (r > 0 && (timeout < TIMEOUT_NONE || timeout > 1 << 30))
                return error_set(err, EMISUSED, "--time %lld: out of range", (long long)timeout);
        if (r >= 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = instance_select(inv, &e, instance_is_running, &l, err);
        return r == 0 ? stop_all(inv, &e, &l, (int)timeout, err) : r;
}

struct running {
        struct engine e;
        struct instance_list list;
        struct error *err;
};

static int add_running(void *userdata, struct instance *i)
{
        struct running *r = userdata;

        return instance_is_running(i) && !i->damage ? instance_list_add(&r->list, &r->e, i->id, r->err) : 0;
}

int cmd_system_shutdown(struct invocation *inv, struct error *err)
{
        struct running all = { .err = err };
        int r = invocation_engine(inv, &all.e, err);

        if (r == 0)
                r = instances(&all.e, add_running, &all, err);
        if (r == 0)
                r = stop_all(inv, &all.e, &all.list, TIMEOUT_HOST, err);
        instance_list_finish(&all.list);
        engine_close(&all.e);
        return r;
}
