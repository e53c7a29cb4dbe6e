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
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/own.h"
#include "container/cgroup/hierarchy.h"
#include "sys/fd.h"

enum { MAX_PROC_CGROUP = 1 << 18 };

/* The kernel's PROC_USER_INIT_INO, fixed since Linux 3.8. */
static const ino_t FIRST_USER_NAMESPACE = 0xEFFFFFFDU;

static bool is_cgroup_mount(const char *path, bool v2)
{
        struct statfs s;

        return statfs(path, &s) == 0 && s.f_type == (v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

/* Copies "BASE/NAME" to the arena; NULL when it is too long or memory is out. */
static char *mount_path(struct cgroup *cg, const char *base, const char *name, size_t len)
{
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%.*s", base, (int)len, name);

        return n < 0 || (size_t)n >= sizeof path ? NULL : arena_strdup(&cg->arena, path);
}

/* Where a v1 hierarchy is mounted: by its whole name, else by that of one of its controllers. */
static const char *find_v1_mount(struct cgroup *cg, const char *base, const char *name,
                                 bool (*mounted)(const char *path, bool v2))
{
        const char *path = mount_path(cg, base, name, strlen(name)), *part = name;

        if (path && mounted(path, false))
                return path;
        if (!strchr(name, ','))
                return NULL;
        while (*part) {
                size_t len = strcspn(part, ",");

                path = mount_path(cg, base, part, len);
                if (path && mounted(path, false))
                        return path;
                part += len;
                part += *part == ',';
        }
        return NULL;
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
        *h = (struct cgroup_hierarchy){ .fd = -1, .tasks_fd = -1, .root = root };
        h->name = arena_strdup(&cg->arena, name);
        h->path = arena_strdup(&cg->arena, layout_visible_path(root, own));
        if (!h->name || !h->root || !h->path)
                return error_set(err, ENOMEM, "out of memory");
        cg->n++;
        return 0;
}

static int parse_line(struct cgroup *cg, char *line, const char *base, bool (*mounted)(const char *path, bool v2),
                      struct error *err)
{
        const char *id = strsep(&line, ":"), *name = strsep(&line, ":"), *own = line, *root = NULL;

        if (!name || !own || own[0] != '/')
                return 0;
        if (strcmp(id, "0") == 0 && name[0] == '\0') {
                root = cg->unified ? arena_strdup(&cg->arena, base) : mount_path(cg, base, "unified", 7);
                if (!root || !(cg->unified || mounted(root, true)))
                        return 0;
        } else if (cg->unified) {
                return 0;
        } else if (strcmp(name, "name=systemd") == 0) {
                root = find_v1_mount(cg, base, "systemd", mounted);
        } else if (strncmp(name, "name=", 5) != 0) {
                root = find_v1_mount(cg, base, name, mounted);
        }
        return root ? add_hierarchy(cg, name, root, own, err) : 0;
}

int layout_parse(struct cgroup *cg, char *text, const char *base, bool (*mounted)(const char *path, bool v2),
                 struct error *err)
{
        char *line;
        int r;

        cg->unified = mounted(base, true);
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

bool layout_in_user_namespace(void)
{
        struct stat s;

        return stat("/proc/self/ns/user", &s) == 0 && s.st_ino != FIRST_USER_NAMESPACE;
}
