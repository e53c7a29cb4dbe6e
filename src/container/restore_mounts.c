/* SPDX-License-Identifier: Apache-2.0 */
#include "container/restore_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "container/criu_message.h"
#include "container/external.h"
#include "container/launch.h"
#include "container/rootfs.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"
#include "sys/process.h"

static bool is_type(const struct spec_mount *m, const char *type)
{
        return m->type && strcmp(m->type, type) == 0;
}

/* criu restores a tmpfs with all that is in it. */
static bool is_on_tmpfs(const struct spec *s, const struct spec_mount *m)
{
        for (const struct spec_mount *below = s->mounts; below < m; below++) {
                size_t n = strlen(below->destination);

                while (n && below->destination[n - 1] == '/')
                        n--;
                if (is_type(below, "tmpfs") && strncmp(m->destination, below->destination, n) == 0 &&
                    m->destination[n] == '/' && m->destination[n + 1])
                        return true;
        }
        return false;
}

static int open_mount_point(int root, const struct spec_mount *m, bool directory)
{
        int fd = fd_open_in_root(root, m->destination, O_PATH);

        if (fd == -ENOENT)
                fd = directory ? fd_mkdir_in_root(root, m->destination, 0755)
                               : fd_create_in_root(root, m->destination, 0755);
        return fd;
}

/* Makes the place for one mount. A bind is mounted: the places for others may be in it. */
static int prepare_one(const struct launch *l, int root, const struct spec_mount *m, char path[PATH_MAX],
                       struct error *err)
{
        own_fd int tree = -1, target = -1;
        struct stat st = { .st_mode = S_IFDIR };
        int r;

        if (spec_mount_is_bind(m)) {
                tree = rootfs_open_source(l, m, err);
                if (tree < 0)
                        return tree;
                if (fstat(tree, &st) < 0)
                        return error_errno(err, errno, "stat the source of %s", m->destination);
        }
        target = open_mount_point(root, m, S_ISDIR(st.st_mode));
        if (target < 0)
                return error_errno(err, -target, "make the mount point %s", m->destination);
        if (!spec_mount_is_bind(m))
                return 0;
        r = external_resolve(root, m->destination, path, &st);
        if (r == 0)
                r = mount_attach(tree, target);
        return r < 0 ? error_errno(err, -r, "mount %s", m->destination) : 0;
}

/* What the helper process has found out; in memory that it shares with us. */
struct findings {
        int result;
        struct error error;
        char paths[][PATH_MAX]; /* of mounts[i], when it is a bind whose place was to be made */
};

static int cut_off(struct error *err)
{
        own_fd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = top < 0 ? -errno : mount_set_attr(top, true, 0, 0, MS_SLAVE);

        return r < 0 ? error_errno(err, -r, "cut the mounts off from the host's") : 0;
}

static int enter_root(const struct launch *l, struct error *err)
{
        own_fd int tree = -1, target = -1;
        struct statx sx;
        int r;

        target = open(l->container.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (target < 0 || statx(target, "", AT_EMPTY_PATH, 0, &sx) < 0)
                return error_errno(err, errno, "open %s", l->container.rootfs);
        /* One mount over another would not do either. */
        if (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
                return 0;
        tree = mount_clone(target, "", true);
        r = tree < 0 ? tree : mount_set_attr(tree, false, 0, 0, MS_PRIVATE);
        if (r == 0)
                r = mount_attach(tree, target);
        return r < 0 ? error_errno(err, -r, "mount %s", l->container.rootfs) : 0;
}

static int prepare_all(const struct launch *l, struct findings *f, struct error *err)
{
        const struct spec *s = &l->spec;
        own_fd int root = -1;
        int r = cut_off(err);

        if (r == 0)
                r = enter_root(l, err);
        if (r < 0)
                return r;
        root = open(l->container.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return error_errno(err, errno, "open %s", l->container.rootfs);
        for (size_t i = 0; r == 0 && i < s->n_mounts; i++) {
                const struct spec_mount *m = &s->mounts[i];

                /* The mount points of cgroups are in filesystems that criu makes. */
                if (!m->remount && !is_type(m, "cgroup") && !is_type(m, "cgroup2") && !is_on_tmpfs(s, m))
                        r = prepare_one(l, root, m, f->paths[i], err);
        }
        return r;
}

/* In a process with a mount namespace of its own, that is: all that was mounted is gone with it. */
static int prepare_aside(struct launch *l, struct findings *f, struct error *err)
{
        struct clone_options o = { .flags = CLONE_NEWNS, .cgroup_fd = -1 };
        pid_t pid;

        f->result = error_set(&f->error, EPIPE, "the process that makes the mount points died");
        pid = process_clone(&o);
        if (pid == 0) {
                f->result = prepare_all(l, f, &f->error);
                _exit(0);
        }
        if (pid < 0)
                return error_errno(err, -pid, "start a process to make the mount points");
        process_wait(pid);
        if (f->result < 0)
                *err = f->error;
        return f->result;
}

static void add_mount(const struct launch *l, const struct spec_mount *m, const char *path, struct buf *opts)
{
        own_buf struct buf source = {};

        if (*m->source != '/')
                buf_addf(&source, "%s/", l->container.bundle);
        buf_add_str(&source, m->source);
        opts->failed |= source.failed;
        criu_add_pair(opts, CRIU_EXT_MNT, *path ? path : m->destination, buf_str(&source));
}

static void add_devices(const struct launch *l, struct buf *opts)
{
        const struct spec *s = &l->spec;

        for (const char *const *device = external_devices; *device; device++)
                criu_add_pair(opts, CRIU_EXT_MNT, *device, *device);
        for (size_t i = 0; i < s->linux_.n_devices; i++)
                criu_add_pair(opts, CRIU_EXT_MNT, s->linux_.devices[i].path, s->linux_.devices[i].path);
}

int restore_prepare_mounts(struct launch *l, struct buf *opts, struct error *err)
{
        const struct spec *s = &l->spec;
        size_t size = sizeof(struct findings) + s->n_mounts * PATH_MAX;
        struct findings *f = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int r;

        if (f == MAP_FAILED)
                return error_errno(err, errno, "map memory");
        r = prepare_aside(l, f, err);
        for (size_t i = 0; r == 0 && i < s->n_mounts; i++) {
                if (spec_mount_is_bind(&s->mounts[i]))
                        add_mount(l, &s->mounts[i], f->paths[i], opts);
        }
        munmap(f, size);
        if ((l->ns.create | l->ns.joined) & CLONE_NEWUSER)
                add_devices(l, opts);
        else if (s->linux_.masked_paths.n)
                criu_add_pair(opts, CRIU_EXT_MNT, "/dev/null", "/dev/null");
        return r;
}

int restore_enter_mounts(const struct launch *l, struct error *err)
{
        int r;

        if (unshare(CLONE_NEWNS) < 0)
                return error_errno(err, errno, "make a mount namespace");
        r = cut_off(err);
        return r == 0 ? enter_root(l, err) : r;
}

/* In the container's mount namespace, where nothing runs yet. */
static int mask_again(const struct launch *l, int namespace)
{
        own_fd int root = -1;

        if (setns(namespace, CLONE_NEWNS) < 0)
                return -errno;
        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; root >= 0 && i < l->spec.linux_.masked_paths.n; i++) {
                own_fd int fd = fd_open_in_root(root, l->spec.linux_.masked_paths.v[i], O_PATH);
                struct stat st;
                int r;

                if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
                        continue;
                r = mount_set_attr(fd, false, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, MS_PRIVATE);
                if (r < 0)
                        return r;
        }
        return root < 0 ? -EIO : 0;
}

int restore_masks(const struct launch *l, pid_t pid, struct error *err)
{
        const struct clone_options o = { .cgroup_fd = -1 };
        own_fd int namespace = -1;
        char path[64];
        pid_t child;

        if (!l->spec.linux_.masked_paths.n)
                return 0;
        snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
        namespace = open(path, O_RDONLY | O_CLOEXEC);
        if (namespace < 0)
                return error_errno(err, errno, "open %s", path);
        child = process_clone(&o);
        if (child == 0)
                _exit(mask_again(l, namespace) < 0);
        if (child < 0)
                return error_errno(err, -child, "start a process to enter the mount namespace");
        return process_wait(child) == 0 ? 0 : error_set(err, EIO, "cannot make the masks of files read-only");
}
