/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-memory kills. v1 tells an eventfd that is registered in cgroup.event_control; v2 changes memory.events,
 * which inotify sees.
 */
#include "container/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/own.h"
#include "container/cgroup/hierarchy.h"

static int watch_v1(const struct cgroup_hierarchy *h)
{
        own_fd int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), oom = -1;
        char line[32];
        int r;

        if (event < 0)
                return -errno;
        oom = hierarchy_open_file(h, "memory.oom_control", O_RDONLY);
        if (oom < 0)
                return oom;
        snprintf(line, sizeof line, "%d %d", event, oom);
        r = hierarchy_write(h, "cgroup.event_control", line);
        return r < 0 ? r : take_fd(&event);
}

static int watch_v2(struct cgroup *cg, const struct cgroup_hierarchy *h)
{
        own_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        char path[PATH_MAX];
        int r;

        if (watch < 0)
                return -errno;
        r = hierarchy_path(h, "memory.events", path);
        if (r == 0 && inotify_add_watch(watch, path, IN_MODIFY) < 0)
                r = -errno;
        if (r == 0)
                r = hierarchy_read_key(h, "memory.events", "oom_kill", &cg->oom_kills);
        return r < 0 ? r : take_fd(&watch);
}

int cgroup_oom_watch(struct cgroup *cg, int *ret_fd, bool *ret_pri, struct error *err)
{
        struct cgroup_hierarchy *v1 = cgroup_v1(cg, "memory"), *v2 = cgroup_v2(cg);
        int r = v1 ? watch_v1(v1) : v2 ? watch_v2(cg, v2) : -EOPNOTSUPP;

        if (r < 0)
                return error_errno(err, -r, "watch the container's cgroup for out-of-memory kills");
        *ret_fd = r;
        *ret_pri = false;
        return 0;
}

/* The end of the cgroup counts as one event as well: the only one, when the directory is gone. */
static int seen_v1(const struct cgroup_hierarchy *h, int fd)
{
        own_fd int directory = -1;
        uint64_t events;

        if (read(fd, &events, sizeof events) != (ssize_t)sizeof events)
                return 0;
        if (events > 1)
                return 1;
        directory = hierarchy_open_file(h, "memory.oom_control", O_RDONLY);
        return directory >= 0;
}

int cgroup_oom_seen(struct cgroup *cg, int fd)
{
        struct cgroup_hierarchy *v1 = cgroup_v1(cg, "memory"), *v2 = cgroup_v2(cg);
        char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        uint64_t kills;
        int r;

        if (v1)
                return seen_v1(v1, fd);
        while (read(fd, events, sizeof events) > 0)
                ;
        if (!v2 || hierarchy_read_key(v2, "memory.events", "oom_kill", &kills) < 0)
                return 0;
        r = kills > cg->oom_kills;
        cg->oom_kills = kills;
        return r;
}

uint64_t cgroup_oom_kills(struct cgroup *cg)
{
        struct cgroup_hierarchy *v1 = cgroup_v1(cg, "memory"), *v2 = cgroup_v2(cg);
        uint64_t kills = 0;

        if (v1)
                (void)hierarchy_read_key(v1, "memory.oom_control", "oom_kill", &kills);
        else if (v2)
                (void)hierarchy_read_key(v2, "memory.events", "oom_kill", &kills);
        return kills;
}
