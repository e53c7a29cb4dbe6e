/* SPDX-License-Identifier: Apache-2.0 */
/* Isolation by namespaces: src/container behind the table. What it keeps lies in RUN/containers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/own.h"
#include "container/container.h"
#include "instance/backend.h"
#include "instance/exec_container.h"
#include "instance/namespace_pids.h"
#include "instance/stats_container.h"
#include "sys/fd.h"
#include "sys/mount_detached.h"
#include "sys/process.h"

static int directory_of(const char *run, char **ret, struct error *err)
{
        if (asprintf(ret, "%s/containers", run) < 0) {
                *ret = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        return 0;
}

int container_of_instance(const char *run, const char *id, struct container *ret, struct error *err)
{
        own_mem char *root = NULL;
        int r = directory_of(run, &root, err);

        return r == 0 ? container_load(root, id, ret, err) : r;
}

/* ---- the start ---- */

static bool is_namespace(int fd)
{
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

/* A start uses up the mounts that it gets. */
struct mounts {
        int root, *given;
        size_t n;
};

static void mounts_finish(struct mounts *m)
{
        for (size_t i = 0; i < m->n; i++)
                close(m->given[i]);
        free(m->given);
        if (m->root >= 0)
                close(m->root);
}
#define own_mounts __attribute__((cleanup(mounts_finish)))

static int copy_mounts(const char *path, const struct start_job *job, struct mounts *ret, struct error *err)
{
        ret->root = mount_clone_detached(job->root, job->root, path);
        if (ret->root < 0)
                return error_errno(err, -ret->root, "copy the mount of the root filesystem");
        if (!job->n_given)
                return 0;
        ret->given = calloc(job->n_given, sizeof *ret->given);
        if (!ret->given)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < job->n_given; i++) {
                int from = job->given[i];
                int fd = is_namespace(from) ? fcntl(from, F_DUPFD_CLOEXEC, 3) : mount_clone_detached(from, from, path);

                if (fd < 0)
                        return error_errno(err, -fd, "copy a mount");
                ret->given[ret->n++] = fd;
        }
        return 0;
}

static int start(const char *run, const char *id, const char *path, const struct start_job *job, const int *stdio,
                 pid_t *ret_pid, int *ret_master, struct error *err)
{
        own_mem char *root = NULL;
        own_mounts struct mounts copies = { .root = -1 };
        struct container_process p;
        struct container_bundle content = { .config = job->config.data,
                                            .len = job->config.len,
                                            .root = job->root,
                                            .has_netns = job->netns >= 0,
                                            .netns = job->netns,
                                            .given = job->given,
                                            .n_given = job->n_given };
        struct container_options o = {
                .id = id,
                .bundle = path,
                .content = &content,
                .stdio = stdio,
                .systemd_cgroup = job->by_systemd,
                .plain_terminal = true,

        };
        int r = directory_of(run, &root, err);

        if (r < 0)
                return r;
        o.root = root;
        if (job->starts_again) {
                r = copy_mounts(path, job, &copies, err);
                if (r < 0)
                        return r;
                content.root = copies.root;
                content.given = copies.given;
        }
        r = container_spawn(&o, &p, err);
        if (r < 0)
                return r;
        *ret_pid = p.pid;
        *ret_master = p.master;
        return p.pidfd;
}

/* ---- what is there ---- */

static int destroy(const char *run, const char *id, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        struct error why;
        int r = container_of_instance(run, id, &c, &why);

        if (r == 0)
                r = container_delete(&c, true, &why);
        if (r < 0 && r != -ENOENT) {
                *err = why;
                return r;
        }
        return 0;
}

static int oom_killed(const char *run, const char *id)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        struct error ignored;

        return container_of_instance(run, id, &c, &ignored) == 0 && cgroup_open(&c.cgroup, &ignored) == 0 &&
               cgroup_oom_kills(&c.cgroup) > 0;
}

static int send_signal(const char *run, const char *id, int signo, bool all, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        int r = container_of_instance(run, id, &c, err);

        return r < 0 ? r : container_kill(&c, signo, all, err);
}

static int set_paused(const char *run, const char *id, bool paused, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        int r = container_of_instance(run, id, &c, err);

        return r < 0 ? r : container_pause(&c, paused, err);
}

static int is_paused(const char *run, const char *id, char reason[BACKEND_REASON])
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        struct error ignored;

        if (reason)
                reason[0] = '\0';
        return container_of_instance(run, id, &c, &ignored) == 0 && cgroup_is_frozen(&c.cgroup) > 0;
}

static int update(const char *run, const char *id, const char *resources, size_t len, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        own_spec struct spec spec = {};
        int r = spec_parse_resources(resources, len, &spec, err);

        if (r == 0)
                r = container_of_instance(run, id, &c, err);
        return r == 0 ? container_update(&c, &spec.linux_.resources, err) : r;
}

static int list_pids(const char *run, const char *id, pid_t **ret, size_t *ret_n, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        int r = container_of_instance(run, id, &c, err);

        if (r == 0)
                r = cgroup_pids(&c.cgroup, ret, ret_n, err);
        return r == -ENOENT && c.cgroup.rootless ? namespace_pids(c.pid, ret, ret_n, err) : r;
}

/* The pid is its own at the time of the look at it, and it was not given to another as long as nobody has waited. */
static int open_namespace(const char *run, const char *id, const char *kind, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        own_fd int pidfd = -1, fd = -1;
        uint64_t start_time = 0;
        char path[64], state;
        struct error why;
        int r = container_of_instance(run, id, &c, &why);

        if (r == 0)
                pidfd = process_open(c.pid);
        if (pidfd < 0 || process_stat(c.pid, &start_time, &state) < 0 || start_time != c.start_time || state == 'Z' ||
            state == 'X')
                return error_set(err, ESRCH, "it does not run any more");
        snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)c.pid, kind);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : 0;
        if (process_signal(pidfd, 0) == -ESRCH || r == -ENOENT)
                return error_set(err, ESRCH, "it does not run any more");
        return r < 0 ? error_errno(err, -r, "open its %s namespace", kind) : take_fd(&fd);
}

const struct backend backend_container = {
        .name = "container",
        .start = start,
        .destroy = destroy,
        .oom_killed = oom_killed,
        .signal = send_signal,
        .pause = set_paused,
        .is_paused = is_paused,
        .exec = exec_container,
        .open_namespace = open_namespace,
        .update = update,
        .stats = stats_container,
        .pids = list_pids,
};
