/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/exec_container.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/exec_plan.h"
#include "instance/exec_relay.h"
#include "instance/exit_status.h"
#include "instance/instance_event.h"
#include "instance/user_rights.h"

struct exec {
        const struct engine *engine;
        const struct instance *instance;
        struct container container;
        const struct exec_request *request;
        struct exec_plan plan;
        struct exec_streams streams;
};

static int set_terminal(struct exec *x, struct error *err)
{
        struct winsize size = {};

        if (!x->request->tty || x->request->detach)
                return 0;
        ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
        return exec_plan_add_terminal(&x->plan, &x->container, size.ws_row, size.ws_col, err);
}

static int prepare(struct exec *x, const char *run, const char *id, struct error *err)
{
        int r = container_of_instance(run, id, &x->container, err);

        if (r == -ENOENT)
                return error_set(err, ESRCH, "it does not run");
        if (r == 0)
                r = user_rights_join(run, id, err);
        if (r == 0)
                r = exec_plan_make(&x->container, x->request, &x->plan, err);
        if (r == 0)
                r = set_terminal(x, err);
        if (r == 0)
                r = exec_streams_open(&x->streams, x->request, err);
        return r;
}

/* ---- what `events` tells ---- */

/* "exec_create: /bin/sh -c true" */
static void tell_begin(const struct exec *x, const char *action)
{
        const char *const pairs[] = { "execID", x->request->event_id, NULL };
        own_buf struct buf text = {};

        if (!x->request->event_id)
                return;
        buf_addf(&text, "%s:", action);
        for (const char *const *arg = x->request->args; *arg; arg++)
                buf_addf(&text, " %s", *arg);
        instance_tell(x->engine, x->instance, buf_str(&text), pairs);
}

static void tell_end(const struct exec *x, int exit_code)
{
        char code[16];
        const char *const pairs[] = { "execID", x->request->event_id, "exitCode", code, NULL };

        if (!x->request->event_id)
                return;
        snprintf(code, sizeof code, "%d", exit_code);
        instance_tell(x->engine, x->instance, "exec_die", pairs);
}

/* ---- the process ---- */

static int run(struct exec *x, int *ret_exit, struct error *err)
{
        const struct container_options common = { .stdio = x->plan.options.tty ? NULL : x->streams.given,
                                                  .detach = x->request->detach,
                                                  .plain_terminal = true };
        struct container_process p;
        int r;

        x->plan.options.common = &common;
        r = container_exec_spawn(&x->container, &x->plan.options, &p, err);
        x->plan.options.common = NULL;
        /* While its program runs, on another core. */
        tell_begin(x, "exec_create");
        tell_begin(x, "exec_start");
        if (r < 0) {
                *ret_exit = exit_status_of(err);
                return r;
        }
        *ret_exit = 0;
        exec_streams_hand_over(&x->streams);
        if (!x->request->detach)
                r = exec_relay(p.pid, p.pidfd, p.master, &x->streams, x->request, ret_exit, err);
        if (!x->request->detach && r != -ECANCELED)
                tell_end(x, *ret_exit);
        if (p.master >= 0)
                close(p.master);
        close(p.pidfd);
        return r;
}

int exec_container(struct engine *e, struct instance *i, const struct exec_request *request, int *ret_exit,
                   struct error *err)
{
        struct exec x = { .engine = e,
                          .instance = i,
                          .container = { .rootfd = -1, .statefd = -1 },
                          .request = request,
                          .streams = { .given = { -1, -1, -1 }, .ours = { -1, -1, -1 }, .null = -1 } };
        int r;

        *ret_exit = EXIT_STATUS_FAILED;
        r = prepare(&x, e->run, i->id, err);
        if (r == 0)
                r = run(&x, ret_exit, err);
        exec_streams_close(&x.streams);
        exec_plan_finish(&x.plan);
        container_finish(&x.container);
        return r;
}
