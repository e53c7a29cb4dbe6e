/* SPDX-License-Identifier: Apache-2.0 */
/* linux.maskedPaths, linux.readonlyPaths, root.readonly. */
#include "container/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/own.h"
#include "container/launch.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

static int new_empty_dir(struct error *err)
{
        static const char *const data[] = { "nr_blocks=1", "nr_inodes=1", "mode=0555", NULL };

        return mount_new("tmpfs", "tmpfs", data,
                         MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
}

/*
 * The tree to lay over a directory. Cloning the first one, once it is attached, spares the making of a
 * filesystem for each of the others.
 */
static int empty_tree(struct rootfs *r, struct error *err)
{
        int fd;

        if (r->empty_dir >= 0) {
                fd = mount_clone(r->empty_dir, "", false);
                return fd < 0 ? error_errno(err, -fd, "clone the empty directory") : fd;
        }
        fd = new_empty_dir(err);
        if (fd >= 0)
                r->empty_dir = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        return fd;
}

/* The inode is the host's: read-only, or whoever is root in the container could change its owner and mode for all. */
static int null_tree(struct rootfs *r, struct error *err)
{
        int null = rootfs_dev_null(r, err), n;
        own_fd int tree = -1;

        if (null < 0)
                return null;
        tree = mount_clone(null, "", false);
        n = tree < 0 ? tree
                     : mount_set_attr(tree, false, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0,
                                      MS_PRIVATE);
        return n < 0 ? error_errno(err, -n, "clone /dev/null") : take_fd(&tree);
}

static int mask_path(struct rootfs *r, const char *path, struct error *err)
{
        own_fd int target = fd_open_in_root(r->fd, path, O_PATH), tree = -1;
        struct stat st;
        int n;

        if (target == -ENOENT || target == -ENOTDIR)
                return 0;
        if (target < 0 || fstat(target, &st) < 0)
                return error_errno(err, target < 0 ? -target : errno, "mask %s", path);
        tree = S_ISDIR(st.st_mode) ? empty_tree(r, err) : null_tree(r, err);
        if (tree < 0)
                return tree;
        n = mount_attach(tree, target);
        return n < 0 ? error_errno(err, -n, "mask %s", path) : 0;
}

static int protect_path(struct rootfs *r, const char *path, struct error *err)
{
        own_fd int target = fd_open_in_root(r->fd, path, O_PATH), tree = -1;
        int n;

        if (target == -ENOENT || target == -ENOTDIR)
                return 0;
        if (target < 0)
                return error_errno(err, -target, "make %s read-only", path);
        tree = mount_clone(target, "", true);
        if (tree < 0)
                return error_errno(err, -tree, "make %s read-only", path);
        n = mount_set_attr(tree, true, MOUNT_ATTR_RDONLY, 0, 0);
        if (n == 0)
                n = mount_attach(tree, target);
        return n < 0 ? error_errno(err, -n, "make %s read-only", path) : 0;
}

static int close_tmpfs(struct rootfs *r, struct error *err)
{
        const struct launch *l = r->l;
        int n = 0;

        for (size_t i = 0; n == 0 && l->mount_trees && i < l->spec.n_mounts; i++) {
                if (l->mount_trees[i] >= 0)
                        n = mount_set_attr(l->mount_trees[i], false, MOUNT_ATTR_RDONLY, 0, 0);
        }
        return n < 0 ? error_errno(err, -n, "make a tmpfs read-only") : 0;
}

int rootfs_restrict(struct rootfs *r, struct error *err)
{
        const struct spec *s = &r->l->spec;
        int n;

        n = close_tmpfs(r, err);
        if (n < 0)
                return n;
        for (size_t i = 0; i < s->linux_.readonly_paths.n; i++) {
                n = protect_path(r, s->linux_.readonly_paths.v[i], err);
                if (n < 0)
                        return n;
        }
        for (size_t i = 0; i < s->linux_.masked_paths.n; i++) {
                n = mask_path(r, s->linux_.masked_paths.v[i], err);
                if (n < 0)
                        return n;
        }
        if (!s->root_readonly)
                return 0;
        n = mount_set_attr(r->fd, false, MOUNT_ATTR_RDONLY, 0, 0);
        return n < 0 ? error_errno(err, -n, "make the root filesystem read-only") : 0;
}
