/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/exec_container.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/exec_relay.h"
#include "instance/exit_status.h"
#include "instance/image_user.h"
#include "instance/instance_event.h"
#include "instance/user_rights.h"
#include "sys/process.h"

struct exec {
        const struct engine *engine;
        const struct instance *instance;
        struct container container;
        const struct exec_request *request;
        struct exec_options options;
        struct arena arena; /* owns what options point to */
        struct exec_streams streams;
};

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static const char *number(struct exec *x, uint32_t n)
{
        char text[16];

        snprintf(text, sizeof text, "%u", n);
        return arena_strdup(&x->arena, text);
}

static int set_user(struct exec *x, const struct image_user *u, struct error *err)
{
        const char **gids = arena_alloc(&x->arena, u->n_groups + 1, sizeof *gids);
        char text[32];

        snprintf(text, sizeof text, "%u:%u", u->uid, u->gid);
        x->options.user = arena_strdup(&x->arena, text);
        if (!gids || !x->options.user)
                return no_memory(err);
        for (size_t i = 0; i < u->n_groups; i++) {
                gids[i] = number(x, u->groups[i]);
                if (!gids[i])
                        return no_memory(err);
        }
        x->options.additional_gids = gids;
        x->options.own_gids = true;
        return 0;
}

/* By the container's own files. That the process is still its first is checked when it is entered. */
static int find_user(struct exec *x, struct error *err)
{
        own_image_user struct image_user user = {};
        own_fd int root = -1;
        char path[64];
        int r;

        if (!x->request->user)
                return 0;
        snprintf(path, sizeof path, "/proc/%d/root", (int)x->container.pid);
        root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return error_errno(err, errno, "open the container's root");
        r = image_user_find(root, x->request->user, &user, err);
        return r < 0 ? r : set_user(x, &user, err);
}

/* Whether a profile of AppArmor confines the instance. */
static bool has_apparmor(const struct exec *x)
{
        struct json_object *process;
        const char *profile;

        return json_get_object(x->container.json, "process", &process, NULL) > 0 &&
               json_get_string(process, "apparmorProfile", &profile, NULL) > 0;
}

static int add_capabilities(struct exec *x, struct error *err)
{
        size_t n = 0;

        if (!x->request->privileged)
                return 0;
        while (oci_capabilities[n].name)
                n++;
        x->options.caps = arena_alloc(&x->arena, n + 1, sizeof *x->options.caps);
        if (!x->options.caps)
                return no_memory(err);
        for (size_t i = 0; i < n; i++)
                x->options.caps[i] = oci_capabilities[i].name;
        if (has_apparmor(x))
                x->options.apparmor = "unconfined";
        return 0;
}

static bool has_term(const struct exec *x)
{
        struct json_object *process, *env;

        if (json_get_object(x->container.json, "process", &process, NULL) <= 0 ||
            json_get_array(process, "env", &env, NULL) <= 0)
                return false;
        for (size_t i = 0; i < json_array_size(env); i++) {
                const char *entry = json_string_value(json_array_item(env, i));

                if (entry && strncmp(entry, "TERM=", 5) == 0)
                        return true;
        }
        return false;
}

static int set_terminal(struct exec *x, struct error *err)
{
        const char *const *env = x->request->env;
        struct winsize size;
        size_t n = 0;

        x->options.env = (const char **)env;
        if (!x->request->tty || x->request->detach)
                return 0;
        x->options.tty = true;
        if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
                x->options.rows = size.ws_row;
                x->options.columns = size.ws_col;
        }
        if (has_term(x))
                return 0;
        while (env && env[n])
                n++;
        x->options.env = arena_alloc(&x->arena, n + 2, sizeof *x->options.env);
        if (!x->options.env)
                return no_memory(err);
        x->options.env[0] = "TERM=xterm";
        if (n)
                memcpy(x->options.env + 1, env, n * sizeof *env);
        return 0;
}

static int prepare(struct exec *x, const char *run, const char *id, struct error *err)
{
        int r = container_of_instance(run, id, &x->container, err);

        if (r == -ENOENT)
                return error_set(err, ESRCH, "it does not run");
        if (r == 0)
                r = user_rights_join(run, id, err);
        if (r == 0)
                r = find_user(x, err);
        if (r == 0)
                r = add_capabilities(x, err);
        if (r == 0)
                r = set_terminal(x, err);
        if (r == 0)
                r = exec_streams_open(&x->streams, x->request, err);
        x->options.args = (char **)x->request->args;
        x->options.cwd = x->request->workdir;
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
        const struct container_options common = { .stdio = x->options.tty ? NULL : x->streams.given,
                                                  .detach = x->request->detach,
                                                  .plain_terminal = true };
        struct container_process p;
        int r;

        x->options.common = &common;
        r = container_exec_spawn(&x->container, &x->options, &p, err);
        x->options.common = NULL;
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
        arena_finish(&x.arena);
        container_finish(&x.container);
        return r;
}
