/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/self/cgroup has one line a hierarchy, "ID:CONTROLLERS:PATH"; where each is mounted is
 * known by convention (systemd's, and every distribution's), so mountinfo is not needed: it may
 * have thousands of lines on a host full of containers.
 */
#include "container/cgroup/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/own.h"
#include "container/cgroup/hierarchy.h"
#include "sys/fd.h"

enum { MAX_PROC_CGROUP = 1 << 18 };

/* Not to know is no answer: a hierarchy passed over is one whose limits the container escapes. */
static int is_cgroup_mount(const char *path, bool v2)
{
        struct statfs s;

        if (statfs(path, &s) < 0)
                return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
        return s.f_type == (v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

/* Fills `ret` with "BASE/NAME", whether a hierarchy is mounted there or not. 1, 0 or -errno. */
static int find_mount(const char *base, const char *name, size_t len, bool v2,
                      int (*mounted)(const char *path, bool v2), char ret[PATH_MAX])
{
        size_t n = strlen(base);

        if (n + 1 + len >= PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(ret, base, n);
        ret[n] = '/';
        memcpy(ret + n + 1, name, len);
        ret[n + 1 + len] = '\0';
        return mounted(ret, v2);
}

/* Where a v1 hierarchy is mounted: by its whole name, else by that of one of its controllers. */
static int find_v1_mount(const char *base, const char *name, int (*mounted)(const char *path, bool v2),
                         char ret[PATH_MAX])
{
        int r = find_mount(base, name, strlen(name), false, mounted, ret);

        if (!strchr(name, ','))
                return r;
        for (const char *part = name; r == 0 && *part;) {
                size_t len = strcspn(part, ",");

                r = find_mount(base, part, len, false, mounted, ret);
                part += len;
                part += *part == ',';
        }
        return r;
}

/* Components are left away from the left until what remains exists; "/.." is outside our namespace's root. */
const char *layout_visible_path(const char *root, const char *path)
{
        char full[PATH_MAX];

        if (strncmp(path, "/..", 3) == 0)
                return "/";
        while (path && path[1]) {
                int n = snprintf(full, sizeof full, "%s%s", root, path);

                if (n > 0 && (size_t)n < sizeof full && access(full, F_OK) == 0)
                        return path;
                path = strchr(path + 1, '/');
        }
        return "/";
}

static int add_hierarchy(struct cgroup *cg, const char *name, const char *root, const char *own, struct error *err)
{
        struct cgroup_hierarchy *h = &cg->h[cg->n];

        if (cg->n == CGROUP_MAX_HIERARCHIES)
                return error_set(err, E2BIG, "this host has more than %d cgroup hierarchies", CGROUP_MAX_HIERARCHIES);
        *h = (struct cgroup_hierarchy){
                .fd = -1,
                .tasks_fd = -1,
                .payload_fd = -1,
        };
        h->root = arena_strdup(&cg->arena, root);
        h->name = arena_strdup(&cg->arena, name);
        h->path = arena_strdup(&cg->arena, layout_visible_path(root, own));
        if (!h->name || !h->root || !h->path)
                return error_set(err, ENOMEM, "out of memory");
        cg->n++;
        return 0;
}

static int parse_line(struct cgroup *cg, char *line, const char *base, int (*mounted)(const char *path, bool v2),
                      struct error *err)
{
        const char *id = strsep(&line, ":"), *name = strsep(&line, ":"), *own = line;
        char root[PATH_MAX];
        int r = 0;

        if (!name || !own || own[0] != '/')
                return 0;
        if (strcmp(id, "0") == 0 && name[0] == '\0') {
                if (cg->unified)
                        return add_hierarchy(cg, name, base, own, err);
                r = find_mount(base, "unified", 7, true, mounted, root);
        } else if (!cg->unified && strcmp(name, "name=systemd") == 0) {
                r = find_v1_mount(base, "systemd", mounted, root);
        } else if (!cg->unified && strncmp(name, "name=", 5) != 0) {
                r = find_v1_mount(base, name, mounted, root);
        }
        if (r < 0)
                return error_errno(err, -r, "look for cgroup hierarchy %s below %s", name, base);
        return r ? add_hierarchy(cg, name, root, own, err) : 0;
}

int layout_parse(struct cgroup *cg, char *text, const char *base, int (*mounted)(const char *path, bool v2),
                 struct error *err)
{
        char *line;
        int r = mounted(base, true);

        if (r < 0)
                return error_errno(err, -r, "look at %s", base);
        cg->unified = r;
        while ((line = strsep(&text, "\n"))) {
                r = parse_line(cg, line, base, mounted, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int layout_find(struct cgroup *cg, struct error *err)
{
        own_fd int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
        own_buf struct buf text = {};
        int r;

        if (fd < 0)
                return error_errno(err, errno, "open /proc/self/cgroup");
        r = fd_read_all(fd, MAX_PROC_CGROUP, &text);
        if (r < 0)
                return error_errno(err, -r, "read /proc/self/cgroup");
        if (!text.len)
                return 0;
        return layout_parse(cg, text.data, "/sys/fs/cgroup", is_cgroup_mount, err);
}
