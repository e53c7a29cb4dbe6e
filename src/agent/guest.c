/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/boot.h"
#include "agent/errand.h"
#include "base/own.h"
#include "instance/backend.h"
#include "instance/exec_container.h"
#include "instance/exec_plan.h"
#include "instance/stats_container.h"
#include "instance/stats_text.h"
#include "sys/fd.h"

enum { MAX_NET_DEV = 64 << 10 };

int guest_open(struct guest *ret, int modules, struct error *err)
{
        *ret = (struct guest){ .modules = modules,
                               .root = -1,
                               .pid_ns = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC),
                               .time_ns = open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC) };
        return ret->pid_ns < 0 ? error_errno(err, errno, "open our namespaces") : guest_open_network(err);
}

static void kill_all(void)
{
        if (kill(-1, SIGKILL) < 0)
                return;
        while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
                continue;
}

/* What is still in use somewhere is not unmounted, but it is on the disk. */
void guest_close(struct guest *g)
{
        kill_all();
        if (g->root >= 0)
                close(take_fd(&g->root));
        umount2(GUEST_ROOT, 0);
        umount2(GUEST_UPPER, 0);
        sync();
}

static int configure(void *userdata, const char *json, size_t len, struct error *err)
{
        own_guest_config struct guest_config c = {};
        struct guest *g = userdata;
        int r = guest_config_read(json, len, &c, err);

        if (r == 0)
                r = guest_add_entropy(&c, err);
        if (r == 0)
                r = guest_set_time(&c, err);
        if (r == 0)
                r = guest_set_hostname(&c, err);
        if (r == 0)
                r = guest_set_network(&c, err);
        if (r == 0)
                r = guest_set_sysctls(&c, err);
        if (r == 0)
                r = guest_write_files(&c, err);
        if (r == 0)
                r = guest_mount_shares(g, &c, err);
        if (r == 0)
                r = guest_mount_root(&c, err);
        if (r == 0)
                r = guest_set_machine_id(&c, err);
        if (r < 0)
                return r;
        g->root = open(GUEST_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return g->root < 0 ? error_errno(err, errno, "open " GUEST_ROOT) : 0;
}

/* ---- what runs ---- */

static int start_container(struct guest *g, const struct workload_request *w, const int *stdio, pid_t *ret_pid,
                           int *ret_master, struct error *err)
{
        struct start_job job = { .root = g->root, .netns = -1, .starts_again = true };
        int r;

        buf_add(&job.config, w->config, w->config_len);
        r = buf_failed(&job.config) ? error_set(err, ENOMEM, "out of memory")
                                    : backend_container.start(GUEST_RUN, GUEST_CONTAINER, GUEST_RUN, &job, stdio,
                                                              ret_pid, ret_master, err);
        buf_finish(&job.config);
        if (r < 0)
                return r;
        close(r);
        return 0;
}

/* An exec has entered namespaces for its children. Ours are not to be made there. */
static int come_back(const struct guest *g, const struct container *c, struct error *err)
{
        int r = 0;

        if (c->namespaces & CLONE_NEWPID)
                r = setns(g->pid_ns, CLONE_NEWPID);
        if (r == 0 && c->namespaces & CLONE_NEWTIME)
                r = setns(g->time_ns, CLONE_NEWTIME);
        return r < 0 ? error_errno(err, errno, "leave the container") : 0;
}

static int start_in(struct container *c, const struct workload_request *w, const int *stdio,
                    struct container_process *ret, struct error *err)
{
        const struct exec_request request = {
                .args = w->args, .env = w->env, .user = w->user, .workdir = w->cwd, .privileged = w->privileged
        };
        const struct container_options common = { .stdio = w->tty ? NULL : stdio, .plain_terminal = true };
        own_exec_plan struct exec_plan plan = {};
        int r = exec_plan_make(c, &request, &plan, err);

        if (r == 0 && w->tty)
                r = exec_plan_add_terminal(&plan, c, w->rows, w->columns, err);
        plan.options.common = &common;
        return r < 0 ? r : container_exec_spawn(c, &plan.options, ret, err);
}

static int start_process(const struct guest *g, const struct workload_request *w, const int *stdio, pid_t *ret_pid,
                         int *ret_master, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        struct container_process p;
        struct error stays;
        int r = container_of_instance(GUEST_RUN, GUEST_CONTAINER, &c, err), back;

        if (r < 0)
                return r == -ENOENT ? error_set(err, ESRCH, "the container does not run") : r;
        r = start_in(&c, w, stdio, &p, err);
        back = come_back(g, &c, &stays);
        if (r == 0) {
                close(p.pidfd);
                *ret_pid = p.pid;
                *ret_master = p.master;
        }
        /* Whatever is started next would be in the wrong place. */
        if (back < 0)
                abort();
        return r;
}

static int start(void *userdata, const struct workload_request *w, const int *stdio, pid_t *ret_pid, int *ret_master,
                 struct error *err)
{
        switch (w->kind) {
        case WORKLOAD_CONTAINER:
                return start_container(userdata, w, stdio, ret_pid, ret_master, err);
        case WORKLOAD_ERRAND:
                return errand_start(userdata, w, stdio, ret_pid, err);
        default:
                return start_process(userdata, w, stdio, ret_pid, ret_master, err);
        }
}

static int send_signal(void *userdata, enum workload_kind kind, pid_t pid, int signo, bool all, struct error *err)
{
        if (kind == WORKLOAD_CONTAINER)
                return backend_container.signal(GUEST_RUN, GUEST_CONTAINER, signo, all, err);
        return kill(pid, signo) < 0 ? error_errno(err, errno, "send a signal") : 0;
}

/* ---- how it went ---- */

static bool oom_killed(void *userdata)
{
        return backend_container.oom_killed(GUEST_RUN, GUEST_CONTAINER) > 0;
}

/* The memory that the balloon would give back is the host's to miss; FUSE is there for programs as well. */
static void settle(void *userdata)
{
        struct guest *g = userdata;
        struct error ignored;

        boot_load_modules(g->modules, "later", &ignored);
        boot_load_modules(g->modules, "share", &ignored);
        guest_prepare_cgroups();
        close(take_fd(&g->modules));
}

static void thaw(void *userdata)
{
        errand_end(userdata);
}

static int reset(void *userdata, struct error *err)
{
        return guest_reset(userdata, err);
}

static void clean_up(void *userdata)
{
        struct error ignored;

        backend_container.destroy(GUEST_RUN, GUEST_CONTAINER, &ignored);
}

/* The container has the guest's network, unless its runtime-spec says otherwise. */
static void count_network(struct instance_stats *s)
{
        own_fd int fd = open("/proc/net/dev", O_RDONLY | O_CLOEXEC);
        own_buf struct buf text = {};

        if (fd < 0 || fd_read_all(fd, MAX_NET_DEV, &text) < 0 || !text.len)
                return;
        s->net_in = s->net_out = 0;
        stats_add_network(text.data, &s->net_in, &s->net_out);
}

static int stats(void *userdata, struct buf *out, struct error *err)
{
        struct instance_stats s;
        struct sysinfo all;
        int r = backend_container.stats(GUEST_RUN, GUEST_CONTAINER, &s, err);

        if (r < 0)
                return r;
        if (s.net_in == UINT64_MAX)
                count_network(&s);
        if (s.memory_limit == UINT64_MAX && sysinfo(&all) == 0)
                s.memory_limit = (uint64_t)all.totalram * all.mem_unit;
        stats_write(&s, out);
        return 0;
}

/* Less than it uses would have the kernel kill it. */
static int check_memory(const char *json, size_t len, struct error *err)
{
        own_spec struct spec spec = {};
        const struct opt_i64 *limit = &spec.linux_.resources.memory.limit;
        struct instance_stats s;
        int r = spec_parse_resources(json, len, &spec, err);

        if (r == 0 && limit->set && limit->v > 0)
                r = backend_container.stats(GUEST_RUN, GUEST_CONTAINER, &s, err);
        if (r == 0 && limit->set && limit->v > 0 && s.memory != UINT64_MAX && s.memory > (uint64_t)limit->v)
                r = error_set(err, EBUSY, "--memory: it uses %llu MB", (unsigned long long)s.memory >> 20);
        return r;
}

static int update(void *userdata, const char *json, size_t len, struct error *err)
{
        int r = check_memory(json, len, err);

        return r < 0 ? r : backend_container.update(GUEST_RUN, GUEST_CONTAINER, json, len, err);
}

const struct workload guest_workload = {
        .configure = configure,
        .start = start,
        .signal = send_signal,
        .oom_killed = oom_killed,
        .clean_up = clean_up,
        .settle = settle,
        .reset = reset,
        .stats = stats,
        .update = update,
        .thaw = thaw,
        .suspend = guest_suspend,
        .resume = guest_resume,
};
