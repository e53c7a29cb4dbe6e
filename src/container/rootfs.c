/* SPDX-License-Identifier: Apache-2.0 */
#include "container/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/own.h"
#include "container/launch.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"
#include "sys/user_namespace.h"

enum { MAX_DEPTH = PATH_MAX / 2 };

static int clone_root(const struct launch *l, struct error *err)
{
        int fd = mount_clone(AT_FDCWD, l->container.rootfs, true);

        return fd < 0 ? error_errno(err, -fd, "root filesystem %s", l->container.rootfs) : fd;
}

/* A bind mount of a part of the container's own root, with what is mounted on it by then. */
static bool comes_from_root(const struct launch *l, const struct spec_mount *m)
{
        size_t n = strlen(l->container.rootfs);

        return n > 1 && spec_mount_is_bind(m) && m->source && strncmp(m->source, l->container.rootfs, n) == 0 &&
               m->source[n] == '/';
}

/*
 * A copy made in the host's namespace is a peer of what it was copied from: what root of the container's user namespace
 * mounts in it would show up on the host. One that is made after the clone is a slave from the start.
 */
static int cut_off(int tree, unsigned long propagation, struct error *err)
{
        int n = mount_set_attr(tree, true, 0, 0, propagation);

        return n < 0 ? error_errno(err, -n, "set the propagation of a mount") : 0;
}

int rootfs_prepare(struct launch *l, struct error *err)
{
        const struct spec *s = &l->spec;
        int n = 0;
        bool in_userns = (l->ns.create | l->ns.joined) & CLONE_NEWUSER;

        l->mount_trees = arena_alloc(&l->spec.arena, s->n_mounts + 1, sizeof(int));
        if (!l->mount_trees)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < s->n_mounts; i++)
                l->mount_trees[i] = -1;
        /* An ordinary user may not clone mounts here, but his namespace sees what he sees. */
        if (geteuid() != 0 || !((l->ns.create | l->ns.joined) & CLONE_NEWNS))
                return 0;
        if (in_userns && l->rootfs_tree < 0) {
                l->rootfs_tree = clone_root(l, err);
                n = l->rootfs_tree < 0 ? l->rootfs_tree : cut_off(l->rootfs_tree, MS_PRIVATE, err);
        }
        for (size_t i = 0; n == 0 && i < s->n_mounts; i++) {
                if (!spec_mount_is_bind(&s->mounts[i]) || s->mounts[i].remount || comes_from_root(l, &s->mounts[i]))
                        continue;
                /* An idmapping needs a user namespace, which nobody may make whose root is not that of his mounts. */
                if (!in_userns && !s->mounts[i].idmap)
                        continue;
                l->mount_trees[i] = rootfs_open_source(l, &s->mounts[i], err);
                n = l->mount_trees[i] < 0 ? l->mount_trees[i] : cut_off(l->mount_trees[i], MS_SLAVE, err);
                if (n == 0 && s->mounts[i].idmap)
                        n = rootfs_idmap(l, &s->mounts[i], l->mount_trees[i], err);
        }
        return n;
}

/*
 * Mounts of the host shall not receive ours. "shared" asks for the opposite, but the mount that ours is attached
 * to must be private even then, or the attachment itself would show up on the host.
 */
static int cut_propagation(const struct launch *l, struct error *err)
{
        unsigned long p = l->spec.linux_.rootfs_propagation & (MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE);
        own_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (root < 0)
                return error_errno(err, errno, "open /");
        if (p == MS_SHARED)
                r = mount_set_attr(root, false, 0, 0, MS_PRIVATE);
        else
                r = mount_set_attr(root, true, 0, 0, p == MS_PRIVATE || p == MS_UNBINDABLE ? MS_PRIVATE : MS_SLAVE);
        return r < 0 ? error_errno(err, -r, "make the mounts of the new namespace private") : 0;
}

/*
 * Whether somebody will look for the root filesystem where the configuration says it is, before it becomes the root; or
 * the host's mounts have to be told from the container's by their paths.
 */
static bool has_visitors(const struct launch *l)
{
        const struct spec_hooks *h = &l->spec.hooks;

        if (l->options->no_pivot || h->prestart.n || h->create_runtime.n || h->create_container.n)
                return true;
        for (size_t i = 0; i < l->spec.n_mounts; i++) {
                if (comes_from_root(l, &l->spec.mounts[i]))
                        return true;
        }
        return false;
}

/* The mount that the directory lies on shall not pass ours on to the host: only a mount's root can be told so. */
static int make_mount_private(int dir)
{
        own_fd int at = fcntl(dir, F_DUPFD_CLOEXEC, 0);
        int n = -EINVAL;

        for (int i = 0; at >= 0 && n == -EINVAL && i < MAX_DEPTH; i++) {
                int up;

                n = mount_set_attr(at, false, 0, 0, MS_PRIVATE);
                if (n == 0)
                        return 0;
                up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                close(at);
                at = up;
        }
        return at < 0 ? -errno : n;
}

/* Over "/", or in its own place for the hooks that mount something below it. */
static int open_place(const struct launch *l, struct error *err)
{
        own_fd int place = -1;
        int n;

        if (!has_visitors(l)) {
                place = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
                return place < 0 ? error_errno(err, errno, "open /") : take_fd(&place);
        }
        place = open(l->container.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (place < 0)
                return error_errno(err, errno, "root filesystem %s", l->container.rootfs);
        n = make_mount_private(place);
        return n < 0 ? error_errno(err, -n, "make the mount below %s private", l->container.rootfs) : take_fd(&place);
}

static int attach_root(struct rootfs *r, struct error *err)
{
        own_fd int root = open_place(r->l, err);
        int n;

        if (root < 0)
                return root;
        r->fd = r->l->rootfs_tree >= 0 ? take_fd(&r->l->rootfs_tree) : clone_root(r->l, err);
        if (r->fd < 0)
                return r->fd;
        n = mount_set_attr(r->fd, false, 0, 0, MS_PRIVATE);
        if (n == 0)
                n = mount_attach(r->fd, root);
        return n < 0 ? error_errno(err, -n, "attach the root filesystem %s", r->l->container.rootfs) : 0;
}

/* Without a mount namespace of its own there is nothing to attach to: the directory itself, for chroot(2). */
static int open_plain_root(struct rootfs *r, struct error *err)
{
        r->fd = open(r->l->container.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r->fd < 0)
                return error_errno(err, errno, "root filesystem %s", r->l->container.rootfs);
        if (r->l->spec.n_mounts || r->l->spec.linux_.masked_paths.n || r->l->spec.linux_.readonly_paths.n ||
            r->l->spec.root_readonly)
                return error_set(err, EINVAL, "mounts, masked or read-only paths need a mount namespace");
        return 0;
}

static bool has_own_mounts(const struct launch *l)
{
        return (l->ns.create | l->ns.joined) & CLONE_NEWNS;
}

/* What is mounted at /dev by now, a volume or a devtmpfs, is the host's: it brings its own nodes and gets none. */
static int fill_dev_in_place(struct rootfs *r, struct error *err)
{
        own_fd int dev = fd_mkdir_in_root(r->fd, "/dev", 0755), plain = -1;

        if (dev < 0)
                return error_errno(err, -dev, "open /dev of the container");
        plain = fd_openat2(r->fd, "/dev", O_PATH | O_DIRECTORY, 0,
                           RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
        if (plain == -EXDEV)
                return 0;
        return plain < 0 ? error_errno(err, -plain, "open /dev of the container") : rootfs_fill_dev(r, plain, err);
}

/* sd_notify(3): the service manager's socket, bound to where the environment says. */
static int bind_notify_socket(struct rootfs *r, struct error *err)
{
        own_fd int tree = -1, target = -1;
        int n;

        if (!r->l->activation.notify_socket)
                return 0;
        target = fd_create_in_root(r->fd, ACTIVATION_NOTIFY_PATH, 0600);
        if (target < 0)
                return error_errno(err, -target, "create %s", ACTIVATION_NOTIFY_PATH);
        tree = mount_clone(AT_FDCWD, r->l->activation.notify_socket, false);
        n = tree < 0 ? tree : mount_attach(tree, target);
        return n < 0 ? error_errno(err, -n, "bind $NOTIFY_SOCKET %s", r->l->activation.notify_socket) : 0;
}

int rootfs_mount(struct rootfs *r, struct launch *l, struct error *err)
{
        const struct spec *s = &l->spec;
        int n;

        *r = (struct rootfs){ .l = l, .fd = -1, .dev_null = -1, .empty_dir = -1 };
        r->in_userns = (l->ns.create | l->ns.joined) & CLONE_NEWUSER || geteuid() != 0 || user_namespace_is_nested();
        if (!has_own_mounts(l))
                return open_plain_root(r, err);
        n = cut_propagation(l, err);
        if (n == 0)
                n = attach_root(r, err);
        for (size_t i = 0; n == 0 && i < s->n_mounts; i++) {
                n = rootfs_mount_one(r, &s->mounts[i], &l->mount_trees[i], err);
                if (n < 0)
                        return error_wrap(err, "mount %s", s->mounts[i].destination);
        }
        if (n == 0 && !r->dev_done)
                n = fill_dev_in_place(r, err);
        if (n == 0)
                n = bind_notify_socket(r, err);
        return n < 0 ? n : rootfs_add_devices(r, err);
}

int rootfs_dev_null(struct rootfs *r, struct error *err)
{
        own_fd int fd = -1;
        struct stat st;

        if (r->dev_null >= 0)
                return r->dev_null;
        fd = open("/dev/null", O_PATH | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_errno(err, errno, "open /dev/null");
        if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
                return error_set(err, ENODEV, "the host's /dev/null is not the null device");
        r->dev_null = take_fd(&fd);
        return r->dev_null;
}

int rootfs_mount_console(struct rootfs *r, int slave, struct error *err)
{
        own_fd int tree = -1, target = -1;
        int n;

        target = fd_create_in_root(r->fd, "/dev/console", 0620);
        if (target < 0)
                return error_errno(err, -target, "create /dev/console");
        tree = mount_clone(slave, "", false);
        if (tree < 0)
                return error_errno(err, -tree, "clone the terminal");
        n = mount_attach(tree, target);
        return n < 0 ? error_errno(err, -n, "mount /dev/console") : 0;
}

static int change_root(struct rootfs *r, struct error *err)
{
        if (fchdir(r->fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
                return error_errno(err, errno, "change the root directory");
        return 0;
}

/*
 * pivot_root(2) cannot leave an initramfs; moving over the root of the namespace can (switch_root's way). Elsewhere the
 * container would count as chrooted, and could not make user namespaces.
 */
static int move_root(struct rootfs *r, struct error *err)
{
        own_fd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int n;

        if (top < 0)
                return error_errno(err, errno, "open /");
        n = rootfs_hide_old_kernel_mounts(r->l, err);
        if (n < 0)
                return n;
        n = mount_attach(r->fd, top);
        return n < 0 ? error_errno(err, -n, "move the root filesystem over /") : change_root(r, err);
}

int rootfs_enter(struct rootfs *r, struct error *err)
{
        unsigned long p = r->l->spec.linux_.rootfs_propagation;
        int n;

        if (!has_own_mounts(r->l))
                return change_root(r, err);
        if (r->l->options->no_pivot)
                return move_root(r, err);
        if (fchdir(r->fd) < 0)
                return error_errno(err, errno, "enter the root filesystem");
        if (syscall(SYS_pivot_root, ".", ".") < 0)
                return error_errno(err, errno, "pivot_root");
        n = mount_detach(".");
        if (n < 0)
                return error_errno(err, -n, "unmount the old root");
        if (chdir("/") < 0)
                return error_errno(err, errno, "chdir /");
        n = p ? mount_set_attr(r->fd, p & MS_REC, 0, 0, p & ~(unsigned long)MS_REC) : 0;
        return n < 0 ? error_errno(err, -n, "set the root's propagation") : 0;
}
