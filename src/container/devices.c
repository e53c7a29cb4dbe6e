/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes (runtime-spec config-linux.md, "Default Devices" and "Devices").
 *
 * /dev is filled through the descriptor of its tmpfs before that is attached anywhere, so
 * an image that has a link in its place cannot send the nodes elsewhere (CVE-2026-41579,
 * CVE-2026-47766). In a user namespace mknod(2) is refused: there the nodes are empty files
 * with the host's devices bound over them.
 */
#include "container/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/own.h"
#include "container/launch.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

static const struct spec_device default_devices[] = {
        { .path = "/dev/null", .type = 'c', .major = 1, .minor = 3 },
        { .path = "/dev/zero", .type = 'c', .major = 1, .minor = 5 },
        { .path = "/dev/full", .type = 'c', .major = 1, .minor = 7 },
        { .path = "/dev/random", .type = 'c', .major = 1, .minor = 8 },
        { .path = "/dev/urandom", .type = 'c', .major = 1, .minor = 9 },
        { .path = "/dev/tty", .type = 'c', .major = 5, .minor = 0 },
};

static const struct {
        const char *name, *target;
} default_links[] = {
        { "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
        { "stderr", "/proc/self/fd/2" }, { "ptmx", "pts/ptmx" },         { "core", "/proc/kcore" },
};

static mode_t device_mode(const struct spec_device *d)
{
        mode_t type = d->type == 'b' ? S_IFBLK : d->type == 'p' ? S_IFIFO : S_IFCHR;

        return type | (d->mode.set ? (mode_t)d->mode.v & 07777 : 0666);
}

static bool is_device(const struct stat *st, const struct spec_device *d)
{
        return (st->st_mode & S_IFMT) == (device_mode(d) & S_IFMT) &&
               (d->type == 'p' || st->st_rdev == makedev((unsigned)d->major, (unsigned)d->minor));
}

/* The kernel says EEXIST for an image's own node: that is fine when it is the same one. */
static int check_existing(int dir, const char *name, const struct spec_device *d, struct error *err)
{
        struct stat st;

        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return error_errno(err, errno, "device %s", d->path);
        if (!is_device(&st, d))
                return error_set(err, EEXIST, "device %s: another file is in its place", d->path);
        return 0;
}

static int make_node(int dir, const char *name, const struct spec_device *d, struct error *err)
{
        if (mknodat(dir, name, device_mode(d), makedev((unsigned)d->major, (unsigned)d->minor)) < 0)
                return errno == EEXIST ? check_existing(dir, name, d, err)
                                       : error_errno(err, errno, "make device %s", d->path);
        if ((d->uid || d->gid) && fchownat(dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return error_errno(err, errno, "own device %s", d->path);
        return 0;
}

static bool is_default(const struct spec_device *d)
{
        for (size_t i = 0; i < ARRAY_SIZE(default_devices); i++) {
                if (strcmp(default_devices[i].path, d->path) == 0)
                        return true;
        }
        return false;
}

static bool is_listed(const struct spec *s, const char *path)
{
        for (size_t i = 0; i < s->linux_.n_devices; i++) {
                if (strcmp(s->linux_.devices[i].path, path) == 0)
                        return true;
        }
        return false;
}

/* The name below /dev, or NULL for another place. */
static const char *name_in_dev(const char *path)
{
        return strncmp(path, "/dev/", 5) == 0 && path[5] && !strstr(path, "..") ? path + 5 : NULL;
}

/* Makes it if its place is below /dev. */
static int make_in_dev(int dev, const struct spec_device *d, struct error *err)
{
        const char *name = name_in_dev(d->path), *base;
        char parent[PATH_MAX];
        own_fd int dir = -1;

        if (!name)
                return 0;
        base = strrchr(name, '/');
        if (!base)
                return make_node(dev, name, d, err);
        if ((size_t)(base - name) >= sizeof parent)
                return error_errno(err, ENAMETOOLONG, "device %s", d->path);
        memcpy(parent, name, (size_t)(base - name));
        parent[base - name] = '\0';
        dir = fd_mkdir_in_root(dev, parent, 0755);
        if (dir < 0)
                return error_errno(err, -dir, "device %s", d->path);
        return make_node(dir, base + 1, d, err);
}

static int add_links(int dev, struct error *err)
{
        for (size_t i = 0; i < ARRAY_SIZE(default_links); i++) {
                if (symlinkat(default_links[i].target, dev, default_links[i].name) < 0 && errno != EEXIST)
                        return error_errno(err, errno, "link /dev/%s", default_links[i].name);
        }
        return 0;
}

int rootfs_fill_dev(struct rootfs *r, int dev, struct error *err)
{
        const struct spec *s = &r->l->spec;
        int n = 0;

        r->dev_done = true;
        for (size_t i = 0; n == 0 && !r->in_userns && i < ARRAY_SIZE(default_devices); i++) {
                if (!is_listed(s, default_devices[i].path))
                        n = make_in_dev(dev, &default_devices[i], err);
        }
        for (size_t i = 0; n == 0 && !r->in_userns && i < s->linux_.n_devices; i++)
                n = make_in_dev(dev, &s->linux_.devices[i], err);
        return n < 0 ? n : add_links(dev, err);
}

/* The host's node of that name has to be the very device. */
static int bind_device(struct rootfs *r, const struct spec_device *d, struct error *err)
{
        own_fd int source = open(d->path, O_PATH | O_CLOEXEC), target = -1, tree = -1;
        struct stat st;
        int n;

        if (source < 0 || fstat(source, &st) < 0)
                return error_errno(err, errno, "device %s of the host", d->path);
        if (!is_device(&st, d))
                return error_set(err, EINVAL,
                                 "device %s: the host's is another one, and a user namespace can only bind it",
                                 d->path);
        target = fd_create_in_root(r->fd, d->path, 0666);
        if (target < 0)
                return error_errno(err, -target, "device %s", d->path);
        tree = mount_clone(source, "", false);
        n = tree < 0 ? tree : mount_attach(tree, target);
        return n < 0 ? error_errno(err, -n, "bind device %s", d->path) : 0;
}

static int make_outside_dev(struct rootfs *r, const struct spec_device *d, struct error *err)
{
        const char *base = strrchr(d->path, '/');
        own_mem char *parent = base ? strndup(d->path, (size_t)(base - d->path)) : NULL;
        own_fd int dir = -1;

        if (!parent)
                return error_set(err, base ? ENOMEM : EINVAL, "device %s: not an absolute path", d->path);
        dir = fd_mkdir_in_root(r->fd, parent, 0755);
        if (dir < 0)
                return error_errno(err, -dir, "device %s", d->path);
        return make_node(dir, base + 1, d, err);
}

int rootfs_add_devices(struct rootfs *r, struct error *err)
{
        const struct spec *s = &r->l->spec;
        int n = 0;

        for (size_t i = 0; n == 0 && r->in_userns && r->dev_done && i < ARRAY_SIZE(default_devices); i++)
                n = bind_device(r, &default_devices[i], err);
        for (size_t i = 0; n == 0 && i < s->linux_.n_devices; i++) {
                const struct spec_device *d = &s->linux_.devices[i];
                bool in_dev = name_in_dev(d->path);

                /* Into a /dev that is the host's nothing is put. */
                if (in_dev && !r->dev_done)
                        continue;
                if (r->in_userns)
                        n = r->dev_done && is_default(d) ? 0 : bind_device(r, d, err);
                else if (!in_dev)
                        n = make_outside_dev(r, d, err);
        }
        return n;
}
