/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /sys/fs/cgroup in the container: its own cgroups only, by clones of the host's mounts
 * that begin at the container's directory. With a cgroup namespace that looks exactly like
 * a fresh mount made inside, and it costs one system call a hierarchy instead of four.
 */
#include "container/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "container/launch.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

/* A fresh mount, which shows what the cgroup namespace that we are in has for its root. */
static int new_cgroup(const struct cgroup_hierarchy *h, struct error *err)
{
        char names[NAME_MAX + 1], *rest = names;
        const char *data[CGROUP_MAX_HIERARCHIES + 1] = {};

        if (!*h->name)
                return mount_new("cgroup2", "cgroup2", NULL, 0, err);
        snprintf(names, sizeof names, "%s", h->name);
        for (size_t i = 0; i < CGROUP_MAX_HIERARCHIES && rest; i++)
                data[i] = strsep(&rest, ",");
        return mount_new("cgroup", "cgroup", data, 0, err);
}

/*
 * A user may have no cgroup of his own, or one that only his systemd knows by name. He sees what he is in, as far as
 * a namespace keeps the rest of the host's from him (runc CVE-2023-25809).
 */
static int open_cgroup(const struct launch *l, const struct cgroup_hierarchy *h, struct error *err)
{
        char path[PATH_MAX], below[PATH_MAX];
        const char *visible = cgroup_visible_path(&l->container.cgroup, h, below);
        int fd = -ENOENT;

        if (snprintf(path, sizeof path, "%s%s", h->root, visible ? visible : "") >= (int)sizeof path)
                return error_errno(err, ENAMETOOLONG, "%s", visible);
        if (visible)
                fd = mount_clone(AT_FDCWD, path, false);
        if (fd != -ENOENT || !l->container.cgroup.rootless)
                return fd < 0 ? error_errno(err, -fd, "clone %s", path) : fd;
        if (!(l->ns.create & CLONE_NEWCGROUP))
                return error_set(err, ENOENT, "there is no cgroup %s; a cgroup namespace would do without", path);
        return new_cgroup(h, err);
}

/*
 * For the tmpfs and all hierarchies on it at once. Private, as mounts made inside would be: criu refuses to save those
 * that hang on the host's.
 */
static int set_attributes(int tree, const struct spec_mount *m, struct error *err)
{
        int n = mount_set_attr(tree, true, m->attr_set, m->attr_clr, MS_PRIVATE);

        return n < 0 ? error_errno(err, -n, "set the attributes") : 0;
}

static int attach(int tree, int target, const char *what, struct error *err)
{
        int n = mount_attach(tree, target);

        return n < 0 ? error_errno(err, -n, "attach %s", what) : 0;
}

/* "cpu,cpuacct" is reachable as "cpu" and as "cpuacct" too. */
static int link_names(int dir, const char *name, struct error *err)
{
        char part[NAME_MAX + 1];

        for (const char *p = name; strchr(name, ',') && *p; p += strcspn(p, ","), p += *p == ',') {
                size_t n = strcspn(p, ",");

                if (n > NAME_MAX)
                        return error_errno(err, ENAMETOOLONG, "link %s", name);
                memcpy(part, p, n);
                part[n] = '\0';
                if (symlinkat(name, dir, part) < 0 && errno != EEXIST)
                        return error_errno(err, errno, "link %s", part);
        }
        return 0;
}

static int mount_hierarchy(const struct launch *l, int dir, const struct cgroup_hierarchy *h, struct error *err)
{
        const char *name = strrchr(h->root, '/') + 1;
        own_fd int tree = open_cgroup(l, h, err);
        int n;

        if (tree < 0)
                return tree;
        if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
                return error_errno(err, errno, "create %s", name);
        n = mount_attach_at(tree, dir, name);
        return n < 0 ? error_errno(err, -n, "attach %s", name) : link_names(dir, name, err);
}

static int mount_v1(const struct launch *l, const struct spec_mount *m, int target, struct error *err)
{
        const struct cgroup *cg = &l->container.cgroup;
        static const char *const data[] = { "mode=755", NULL };
        own_fd int dir = mount_new("tmpfs", "tmpfs", data, m->attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY, err);
        int n;

        if (dir < 0)
                return dir;
        n = attach(dir, target, "tmpfs", err);
        for (size_t i = 0; n == 0 && i < cg->n; i++)
                n = mount_hierarchy(l, dir, &cg->h[i], err);
        return n < 0 ? n : set_attributes(dir, m, err);
}

int rootfs_mount_cgroups(struct rootfs *r, const struct spec_mount *m, struct error *err)
{
        const struct cgroup *cg = &r->l->container.cgroup;
        own_fd int target = fd_mkdir_in_root(r->fd, m->destination, 0755), tree = -1;
        int n;

        if (target < 0)
                return error_errno(err, -target, "create the mount point");
        n = init_join_cgroups(r->l, err);
        if (n < 0)
                return n;
        if (!cg->unified)
                return mount_v1(r->l, m, target, err);
        tree = open_cgroup(r->l, &cg->h[0], err);
        n = tree < 0 ? tree : set_attributes(tree, m, err);
        return n < 0 ? n : attach(tree, target, "cgroup2", err);
}
