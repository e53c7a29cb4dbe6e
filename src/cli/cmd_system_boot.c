/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/grow.h"
#include "base/own.h"
#include "cli/instance_select.h"

struct wanted {
        const char **ids;
        size_t n, cap;
        struct arena arena;
        struct error *err;
};

static void wanted_finish(struct wanted *w)
{
        arena_finish(&w->arena);
        free(w->ids);
}
#define own_wanted __attribute__((cleanup(wanted_finish)))

/* on-failure and no say nothing of a boot. */
static bool wants_boot(const struct instance *i)
{
        const char *policy = i->options.restart;

        if (!policy || instance_is_running(i) || i->state.status == INSTANCE_CREATED)
                return false;
        return strcmp(policy, "always") == 0 || (strcmp(policy, "unless-stopped") == 0 && !i->state.stopped);
}

static int add(void *userdata, struct instance *i)
{
        struct wanted *w = userdata;

        if (!wants_boot(i))
                return 0;
        if (array_grow(&w->ids, &w->cap, w->n + 1, sizeof(char *)) < 0)
                return error_set(w->err, ENOMEM, "out of memory");
        w->ids[w->n] = arena_strdup(&w->arena, i->id);
        return w->ids[w->n++] ? 0 : error_set(w->err, ENOMEM, "out of memory");
}

static int start(struct engine *e, const char *id, struct error *err)
{
        own_instance struct instance *i = NULL;
        own_fd int shim = -1;
        int r = instance_find(e, id, &i, err);

        if (r == 0)
                r = instance_start(e, i, false, &shim, err);
        return r < 0 && i ? error_wrap(err, "start %s", i->name) : r;
}

/* The oldest first: others may need it. One that fails keeps nobody back. */
int cmd_system_boot(struct invocation *inv, struct error *err)
{
        own_wanted struct wanted w = { .err = err };
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instances(&e, add, &w, err);
        for (size_t i = w.n; r == 0 && i-- > 0;) {
                struct error why;

                if (start(&e, w.ids[i], &why) < 0) {
                        report_error(why.text);
                        inv->exit_status = 1;
                }
        }
        return r;
}
