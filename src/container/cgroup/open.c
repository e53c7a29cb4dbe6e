/* SPDX-License-Identifier: Apache-2.0 */
/* Opening cgroups that exist: for a look, and for a second process. */
#include "container/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/layout.h"
#include "container/cgroup/path.h"
#include "container/cgroup/payload.h"
#include "sys/fd.h"

enum { MAX_PROC_CGROUP = 1 << 18 };

int cgroup_open(struct cgroup *cg, struct error *err)
{
        size_t found = 0;

        for (size_t i = 0; i < cg->n; i++) {
                int r = hierarchy_open(&cg->h[i]);

                if (r == 0)
                        found++;
                else if (r != -ENOENT && !(cg->rootless && is_permission_error(r)))
                        return error_errno(err, -r, "open cgroup %s%s", cg->h[i].root, cg->h[i].path);
        }
        return found ? 0 : error_set(err, ENOENT, "the container has no cgroup (any more)");
}

static void forget_descriptors(struct cgroup_hierarchy *h)
{
        if (h->fd >= 0)
                close(take_fd(&h->fd));
        if (h->tasks_fd >= 0)
                close(take_fd(&h->tasks_fd));
}

/* Moves the hierarchy's path to the cgroup `sub` below it. */
static int descend(struct cgroup *cg, struct cgroup_hierarchy *h, const char *sub, struct error *err)
{
        char path[PATH_MAX], clean[PATH_MAX];
        int n;

        if (!h->path)
                return 0;
        n = snprintf(path, sizeof path, "/%s", sub);
        if (n < 0 || (size_t)n >= sizeof path || cgroup_path_clean(path, path) < 0)
                return error_set(err, EINVAL, "--cgroup: %s is not a sub cgroup path", sub);
        n = snprintf(clean, sizeof clean, "%s%s", h->path, path[1] ? path : "");
        if (n < 0 || (size_t)n + strlen(h->root) + CGROUP_FILE_MAX >= sizeof clean)
                return error_set(err, ENAMETOOLONG, "sub cgroup path is too long");
        h->path = arena_strdup(&cg->arena, clean);
        if (!h->path)
                return error_set(err, ENOMEM, "out of memory");
        forget_descriptors(h);
        return 0;
}

/* `list` is "cpu,memory" (len bytes): does it name this hierarchy? */
static bool is_listed(const struct cgroup_hierarchy *h, const char *list, size_t len)
{
        char name[64];

        for (size_t i = 0; i < len; i++) {
                size_t n = strcspn(list + i, ",:");

                if (n < sizeof name) {
                        memcpy(name, list + i, n);
                        name[n] = '\0';
                        if (n && !hierarchy_is_v2(h) && hierarchy_has(h, name))
                                return true;
                }
                i += n;
        }
        return false;
}

/* One `--cgroup [CONTROLLERS:]PATH`. */
static int apply_sub(struct cgroup *cg, const char *sub, struct error *err)
{
        const char *colon = strchr(sub, ':');
        size_t hits = 0;
        int r;

        for (size_t i = 0; i < cg->n; i++) {
                struct cgroup_hierarchy *h = &cg->h[i];

                if (colon && !is_listed(h, sub, (size_t)(colon - sub)))
                        continue;
                r = descend(cg, h, colon ? colon + 1 : sub, err);
                if (r < 0)
                        return r;
                hits++;
        }
        return hits ? 0 : error_set(err, EINVAL, "--cgroup %s: this host has no such controller", sub);
}

static int open_one(struct cgroup_hierarchy *h)
{
        int r;

        if (hierarchy_is_v2(h))
                return hierarchy_open(h);
        r = hierarchy_open_file(h, "tasks", O_WRONLY);
        if (r < 0)
                return r;
        h->tasks_fd = r;
        return 0;
}

int cgroup_open_for_exec(struct cgroup *cg, const char *const *sub, size_t n_sub, struct error *err)
{
        struct cgroup_hierarchy *v2 = cg->split ? cgroup_v2(cg) : NULL;
        size_t opened = 0;
        int r = v2 ? descend(cg, v2, PAYLOAD_NAME, err) : 0;

        cg->split = false;
        for (size_t i = 0; i < n_sub && r == 0; i++)
                r = apply_sub(cg, sub[i], err);
        for (size_t i = 0; i < cg->n && r == 0; i++) {
                struct cgroup_hierarchy *h = &cg->h[i];

                r = open_one(h);
                opened += r == 0;
                if (r == -ENOENT && !n_sub)
                        r = 0;
                if (r < 0 && cg->rootless && is_permission_error(r))
                        r = 0;
                if (r < 0)
                        return error_errno(err, -r, "open cgroup %s%s", h->root, h->path);
        }
        if (r == 0 && !opened && cg->n && !cg->rootless)
                return error_set(err, ENOENT, "the container has no cgroup (any more)");
        return r;
}

/* The path of "0::PATH" in /proc/PID/cgroup. */
static int read_v2_path(pid_t pid, struct buf *text, const char **ret)
{
        char name[64], *rest, *line;
        own_fd int fd = -1;
        int r;

        snprintf(name, sizeof name, "/proc/%d/cgroup", (int)pid);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : fd_read_all(fd, MAX_PROC_CGROUP, text);
        rest = text->data;
        while (r == 0 && rest && (line = strsep(&rest, "\n"))) {
                if (strncmp(line, "0::/", 4) == 0) {
                        *ret = line + 3;
                        return 0;
                }
        }
        return r < 0 ? r : -ESRCH;
}

int cgroup_follow(struct cgroup *cg, pid_t pid, struct error *err)
{
        struct cgroup_hierarchy *h = cgroup_v2(cg);
        own_buf struct buf text = {};
        const char *path;
        size_t len;
        int r;

        if (!h || !h->path)
                return error_set(err, ENOENT, "the container has no cgroup v2");
        r = read_v2_path(pid, &text, &path);
        if (r < 0)
                return error_errno(err, -r, "read the cgroup of process %d", (int)pid);
        path = layout_visible_path(h->root, path);
        len = strlen(h->path);
        if (strcmp(path, h->path) == 0)
                return 0;
        if (strncmp(path, h->path, len) != 0 || path[len] != '/')
                return error_set(err, EBUSY, "process %d is in cgroup %s, not below %s", (int)pid, path, h->path);
        r = descend(cg, h, path + len, err);
        if (r < 0)
                return r;
        r = hierarchy_open(h);
        return r < 0 ? error_errno(err, -r, "open cgroup %s%s", h->root, h->path) : 1;
}

int cgroup_put(const struct cgroup *cg, pid_t pid)
{
        char text[16];

        snprintf(text, sizeof text, "%d", (int)pid);
        return fd_write_file_at(cgroup_clone_fd(cg), "cgroup.procs", text);
}
