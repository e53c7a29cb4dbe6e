/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container: counting them, and signalling them all. */
#include "container/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/tree.h"
#include "sys/fd.h"

enum { MAX_PROCS = 1 << 22, MAX_ROUNDS = 10 };

struct pids {
        pid_t *v;
        size_t n, cap;
};

static int add_pid(struct pids *p, const char *text)
{
        uint32_t pid;

        /* 0: a process outside our pid namespace */
        if (parse_u32(text, 10, &pid) < 0 || pid == 0)
                return 0;
        if (array_grow(&p->v, &p->cap, p->n + 1, sizeof *p->v) < 0)
                return -ENOMEM;
        p->v[p->n++] = (pid_t)pid;
        return 0;
}

/* cgroup.procs of a threaded cgroup cannot be read (EOPNOTSUPP): its processes are listed where the domain is. */
static int read_procs(int dirfd, void *userdata)
{
        own_fd int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        own_buf struct buf text = {};
        char *rest, *line;
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_PROCS, &text);

        if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
                return 0;
        rest = text.data;
        while (r == 0 && rest && (line = strsep(&rest, "\n")))
                r = add_pid(userdata, line);
        return r;
}

/* cgroup2 first: what is in a container is in there; in v1 it may have been moved by whoever may write there. */
static int open_any(struct cgroup *cg)
{
        struct cgroup_hierarchy *v2 = cgroup_v2(cg);
        int fd = v2 ? hierarchy_open_file(v2, ".", O_RDONLY | O_DIRECTORY) : -ENOENT;

        for (size_t i = 0; i < cg->n && fd < 0; i++)
                fd = hierarchy_open_file(&cg->h[i], ".", O_RDONLY | O_DIRECTORY);
        return fd;
}

int cgroup_pids(struct cgroup *cg, pid_t **ret, size_t *ret_n, struct error *err)
{
        own_fd int fd = open_any(cg);
        struct pids p = {};
        int r = fd < 0 ? fd : cgroup_tree_visit(fd, read_procs, &p);

        if (r == -ENOENT || r == -ENODEV) {
                free(p.v);
                return error_set(err, ENOENT, "the container has no cgroup (any more)");
        }
        if (r < 0) {
                free(p.v);
                return error_errno(err, -r, "list the processes of the container's cgroup");
        }
        *ret = p.v;
        *ret_n = p.n;
        return 0;
}

static int signal_all(struct cgroup *cg, int signo, size_t *ret_n, struct error *err)
{
        own_mem pid_t *pids = NULL;
        int r = cgroup_pids(cg, &pids, ret_n, err);

        for (size_t i = 0; i < *ret_n && r == 0; i++) {
                if (kill(pids[i], signo) < 0 && errno != ESRCH)
                        r = error_errno(err, errno, "signal process %d", (int)pids[i]);
        }
        return r;
}

static int thaw(int dirfd, void *userdata)
{
        (void)fd_write_file_at(dirfd, "freezer.state", "THAWED");
        return 0;
}

/* A container that may write its cgroups can freeze itself in one below, so that it would never die. */
static void thaw_v1(struct cgroup *cg)
{
        struct cgroup_hierarchy *v1 = cgroup_v1(cg, "freezer");
        own_fd int dir = v1 ? hierarchy_open_file(v1, ".", O_RDONLY | O_DIRECTORY) : -ENOENT;

        if (dir >= 0)
                (void)cgroup_tree_visit(dir, thaw, NULL);
}

/*
 * Without cgroup.kill (Linux 5.14): freezing keeps the list from growing while it is read. v1 lets the frozen die
 * only once they are thawed, so that is done in any case.
 */
static int kill_by_hand(struct cgroup *cg, struct error *err)
{
        int r = 0;

        for (int round = 0; round < MAX_ROUNDS && r == 0; round++) {
                size_t n = 0;
                bool frozen = cgroup_freeze(cg, true, NULL) == 0;

                r = signal_all(cg, SIGKILL, &n, err);
                cgroup_freeze(cg, false, NULL);
                thaw_v1(cg);
                if (frozen || n == 0)
                        break;
        }
        return r;
}

int cgroup_kill(struct cgroup *cg, int signo, struct error *err)
{
        struct cgroup_hierarchy *v2 = cgroup_v2(cg);
        size_t n = 0;
        int r;

        if (signo != SIGKILL)
                return signal_all(cg, signo, &n, err);
        r = v2 ? hierarchy_write(v2, "cgroup.kill", "1") : -ENOENT;
        if (r == 0)
                thaw_v1(cg);
        return r == 0 ? 0 : kill_by_hand(cg, err);
}
