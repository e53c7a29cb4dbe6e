/* SPDX-License-Identifier: Apache-2.0 */
/* kill, delete, pause, resume, update. */
#include "container/lifecycle.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "base/own.h"
#include "container/hooks.h"
#include "container/start_socket.h"
#include "container/state.h"
#include "sys/process.h"

enum { FIRST_WAIT_MS = 20, KILL_WAIT_MS = 10000 };

int lifecycle_open_init(const struct container *c)
{
        own_fd int fd = -1;
        uint64_t start_time;
        char state;

        if (c->pid <= 0)
                return -ESRCH;
        /* First the descriptor, then the look: what was checked is what is held. */
        fd = process_open(c->pid);
        if (fd < 0)
                return fd;
        if (process_stat(c->pid, &start_time, &state) < 0 || start_time != c->start_time || state == 'Z' ||
            state == 'X')
                return -ESRCH;
        return take_fd(&fd);
}

void lifecycle_kill_init(const struct container *c)
{
        own_fd int fd = lifecycle_open_init(c);

        if (fd >= 0)
                process_signal(fd, SIGKILL);
}

static int parse_hooks(struct container *c, struct json_object *hooks, struct spec *ret, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        own_buf struct buf value = {};

        json_add_value(&value, hooks);
        json_begin_object(&w, NULL);
        json_write_string(&w, "ociVersion", c->oci_version);
        json_write_raw(&w, "hooks", buf_str(&value));
        json_end_object(&w);
        if (buf_failed(&text) || buf_failed(&value))
                return error_set(err, ENOMEM, "out of memory");
        return spec_parse(text.data, text.len, ret, err);
}

int lifecycle_run_hooks(struct container *c, const char *kind, enum container_status status, bool go_on,
                        struct error *err)
{
        struct json_object *hooks;
        own_spec struct spec spec = {};
        own_buf struct buf state = {};
        const struct spec_hook_list *list;
        int r;

        if (!c->json || json_get_object(c->json, "hooks", &hooks, NULL) <= 0)
                return 0;
        r = parse_hooks(c, hooks, &spec, err);
        if (r < 0)
                return r;
        list = strcmp(kind, "poststart") == 0 ? &spec.hooks.poststart : &spec.hooks.poststop;
        if (!list->n)
                return 0;
        r = container_describe(c, status, &state, err);
        for (size_t i = 0; r == 0 && i < list->n; i++) {
                r = hook_run(list, i, kind, c->bundle, buf_str(&state), go_on ? &c->warning : err);
                if (go_on)
                        r = 0;
        }
        return r;
}

/* Without a pid namespace of its own its processes do not die with init, and may have outlived it. */
static int kill_all(struct container *c, struct error *err)
{
        int r = cgroup_kill(&c->cgroup, SIGKILL, err);

        return r == -ENOENT ? error_set(err, ESRCH, "container not running") : r;
}

int container_kill(struct container *c, int signo, bool all, struct error *err)
{
        enum container_status status;
        own_fd int init = -1;
        bool own_pids = true;
        int r;

        if (all)
                return cgroup_kill(&c->cgroup, signo, err);
        r = container_status(c, &status, err);
        if (r < 0)
                return r;
        if (c->json)
                json_get_bool(c->json, "ownPids", &own_pids, NULL);
        if (signo == SIGKILL && !own_pids && c->cgroup.n)
                return kill_all(c, err);
        if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
                return error_set(err, ESRCH, "container not running");
        init = lifecycle_open_init(c);
        r = init < 0 ? init : process_signal(init, signo);
        if (r == -ESRCH)
                return error_set(err, ESRCH, "container not running");
        if (r < 0)
                return error_errno(err, -r, "signal the container");
        /* A frozen process of cgroup v1 takes no signal before it is thawed. */
        if (signo == SIGKILL && status == CONTAINER_PAUSED)
                return cgroup_freeze(&c->cgroup, false, err);
        return 0;
}

/* Kills init and waits until it is gone; its parent reaps it. */
static int end_init(struct container *c, struct error *err)
{
        own_fd int init = lifecycle_open_init(c);
        struct pollfd p = { .fd = init, .events = POLLIN };

        if (init < 0)
                return 0;
        process_signal(init, SIGKILL);
        /* It may be frozen, and somewhere below where it does not show. */
        if (poll(&p, 1, FIRST_WAIT_MS) == 0 && c->cgroup.n)
                cgroup_kill(&c->cgroup, SIGKILL, err);
        if (poll(&p, 1, KILL_WAIT_MS) <= 0)
                return error_set(err, ETIMEDOUT, "process %d does not die", (int)c->pid);
        return 0;
}

static int tear_down(struct container *c, struct error *err)
{
        int r = end_init(c, err);

        if (r == 0 && c->cgroup.n && !cgroup_remove_empty(&c->cgroup)) {
                /* Somebody else may have deleted it meanwhile. */
                r = cgroup_kill(&c->cgroup, SIGKILL, err);
                /* Gone already: destroying still forgets a systemd unit that failed. */
                if (r == 0 || r == -ENOENT)
                        r = cgroup_destroy(&c->cgroup, err);
                if (r == -ENOENT)
                        r = 0;
        }
        if (r == 0)
                r = state_remove(c, err);
        /* Two who delete it at once (a checkpoint, and the `run` that waited for its end) run the hooks once. */
        return r > 0 ? lifecycle_run_hooks(c, "poststop", CONTAINER_STOPPED, true, err) : r;
}

int container_delete(struct container *c, bool force, struct error *err)
{
        enum container_status status;
        int r;

        if (force)
                return tear_down(c, err);
        r = container_status(c, &status, err);
        if (r < 0)
                return r;
        if (status == CONTAINER_CREATING)
                return error_set(err, EBUSY, "container %s is being created; use --force if its creator died", c->id);
        if (status != CONTAINER_STOPPED && status != CONTAINER_CREATED)
                return error_set(err, EBUSY, "cannot delete container %s that is not stopped: %s", c->id,
                                 container_status_name(status));
        return tear_down(c, err);
}

int container_pause(struct container *c, bool paused, struct error *err)
{
        enum container_status status;
        int r = container_status(c, &status, err);

        if (r < 0)
                return r;
        if (paused && status != CONTAINER_RUNNING && status != CONTAINER_CREATED)
                return error_set(err, EINVAL, "container not running or created: %s", container_status_name(status));
        if (!paused && status != CONTAINER_PAUSED) {
                /* Whoever was about to pause it may have been killed, and it freezes yet. */
                cgroup_freeze(&c->cgroup, false, err);
                return error_set(err, EINVAL, "container not paused");
        }
        return cgroup_freeze(&c->cgroup, paused, err);
}

int container_update(struct container *c, const struct spec_resources *res, struct error *err)
{
        enum container_status status;
        int r = container_status(c, &status, err);

        if (r < 0)
                return r;
        if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
                return error_set(err, ESRCH, "container not running");
        r = cgroup_open(&c->cgroup, err);
        return r < 0 ? r : cgroup_apply(&c->cgroup, res, true, err);
}
