/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of mounts[]: made detached, given its attributes, moved to its place. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <sys/vfs.h>

#include "base/own.h"
#include "container/launch.h"
#include "container/rootfs.h"
#include "sys/copy_tree.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

static bool is_type(const struct spec_mount *m, const char *type)
{
        return m->type && strcmp(m->type, type) == 0;
}

/* ---- sources ---- */

/* The user namespace whose mappings are meant: the mount's own, or the container's, new or joined. */
static int open_mapping(const struct launch *l, const struct spec_mount *m, struct error *err)
{
        const struct spec_linux *li = &l->spec.linux_;
        int joined = namespaces_joined_fd(&l->ns, CLONE_NEWUSER), fd;

        if (m->uid_mappings.n || m->gid_mappings.n)
                return namespaces_new_userns(&m->uid_mappings, &m->gid_mappings, err);
        if (joined < 0)
                return namespaces_new_userns(&li->uid_mappings, &li->gid_mappings, err);
        fd = fcntl(joined, F_DUPFD_CLOEXEC, 0);
        return fd < 0 ? error_errno(err, errno, "duplicate a descriptor") : fd;
}

int rootfs_idmap(const struct launch *l, const struct spec_mount *m, int tree, struct error *err)
{
        own_fd int userns = open_mapping(l, m, err);
        int r;

        if (userns < 0)
                return userns;
        r = mount_set_idmap(tree, m->idmap_recursive, userns);
        if (r == -EINVAL)
                return error_set(err, EINVAL, "idmap: the filesystem of %s cannot be idmapped", m->source);
        return r < 0 ? error_errno(err, -r, "idmap %s", m->source) : 0;
}

int rootfs_open_source(const struct launch *l, const struct spec_mount *m, struct error *err)
{
        own_mem char *joined = NULL;
        const char *source = m->source;
        own_fd int tree = -1;
        int given;

        if (!source)
                return error_set(err, EINVAL, "mount %s: a bind mount needs a source", m->destination);
        given = container_given(l->options->content, source);
        if (given != -1) {
                tree = given < 0 ? given : fcntl(given, F_DUPFD_CLOEXEC, 3);
                return tree < 0 ? error_set(err, EINVAL, "mount %s: it was not given", m->destination) : take_fd(&tree);
        }
        if (*source != '/') {
                if (asprintf(&joined, "%s/%s", l->container.bundle, source) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                source = joined;
        }
        tree = mount_clone(AT_FDCWD, source, m->bind_recursive);
        if (tree < 0)
                return error_errno(err, -tree, "mount %s: source %s", m->destination, source);
        return take_fd(&tree);
}

/* ---- destinations ---- */

/* What programs such as lxcfs lay over files of /proc; anything else there would hide the kernel's own
 * (CVE-2019-16884). */
static const char *const proc_files[] = {
        "/proc/cpuinfo",
        "/proc/diskstats",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/swaps",
        "/proc/uptime",
        "/proc/loadavg",
        "/proc/slabinfo",
        "/proc/sys/kernel/ns_last_pid",
        "/proc/sys/crypto/fips_enabled",
        "/proc/sys/fs/binfmt_misc",
        "/proc/net/dev",
};

/* The next component of a path that means anything. */
static const char *skip_to_name(const char *path)
{
        for (;;) {
                path += strspn(path, "/");
                if (path[0] != '.' || (path[1] && path[1] != '/'))
                        return path;
                path++;
        }
}

static bool same_path(const char *a, const char *b)
{
        for (;;) {
                size_t n, k;

                a = skip_to_name(a);
                b = skip_to_name(b);
                n = strcspn(a, "/");
                k = strcspn(b, "/");
                if (n != k || strncmp(a, b, n) != 0)
                        return false;
                if (!n)
                        return true;
                a += n;
                b += n;
        }
}

static bool is_on(int fd, long magic)
{
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && (long)fs.f_type == magic;
}

static bool is_over_proc_allowed(const struct spec_mount *m)
{
        for (size_t i = 0; i < ARRAY_SIZE(proc_files); i++) {
                if (same_path(m->destination, proc_files[i]))
                        return true;
        }
        return false;
}

/* tree: what is going to stand there. */
static int check_destination(struct rootfs *r, const struct spec_mount *m, int tree, int target, struct error *err)
{
        own_fd int plain = -1;

        if (same_path(m->destination, "/proc") || same_path(m->destination, "/sys")) {
                plain = fd_openat2(r->fd, m->destination, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
                if (plain < 0)
                        return error_set(err, ELOOP, "%s must be mounted on ordinary directory, and it is a link",
                                         m->destination);
        }
        if (same_path(m->destination, "/proc"))
                return is_on(tree, PROC_SUPER_MAGIC) ? 0 : error_set(err, EINVAL, "only procfs may be mounted there");
        if (is_on(target, PROC_SUPER_MAGIC) && !is_over_proc_allowed(m) && !is_on(tree, PROC_SUPER_MAGIC))
                return error_set(err, EINVAL, "it would hide files of procfs");
        return 0;
}

static int open_target(struct rootfs *r, const struct spec_mount *m, bool directory, bool *ret_existed,
                       struct error *err)
{
        int fd = fd_open_in_root(r->fd, m->destination, O_PATH);

        *ret_existed = fd >= 0;
        if (fd == -ENOENT)
                fd = directory ? fd_mkdir_in_root(r->fd, m->destination, 0755)
                               : fd_create_in_root(r->fd, m->destination, 0755);
        return fd < 0 ? error_errno(err, -fd, "open or create the mount point") : fd;
}

/* ---- attributes ---- */

/* What of its source a bind mount does not keep when it is given any attribute of its own. */
static uint64_t replaced_attributes(const struct rootfs *r, const struct spec_mount *m)
{
        const uint64_t given = m->attr_set | m->attr_clr, atime = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;

        if (!given || m->remount)
                return 0;
        /* The kernel locks the others there, and they stay unless they are named. */
        if (r->in_userns)
                return MOUNT_ATTR_NOSYMFOLLOW;
        return MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW |
               (given & atime ? atime : 0);
}

/*
 * A bind mount that is given any attribute gets just those, one without keeps its source's: "ro" of a noexec directory
 * can be executed. The access time mode stays unless another is asked for.
 */
static int set_bind_attributes(const struct rootfs *r, const struct spec_mount *m, int tree)
{
        uint64_t clear = replaced_attributes(r, m) & ~m->attr_set;

        return mount_set_attr(tree, false, m->attr_set, m->attr_clr | clear, 0);
}

static int set_attributes(const struct rootfs *r, const struct spec_mount *m, int tree, bool fresh, struct error *err)
{
        unsigned long p = m->propagation & ~(unsigned long)MS_REC;
        int n = 0;

        /* A fresh mount got attr_set from fsmount(2). */
        if (!fresh)
                n = set_bind_attributes(r, m, tree);
        if (n == 0)
                n = mount_set_attr(tree, true, m->rec_attr_set, m->rec_attr_clr, 0);
        if (n == 0)
                n = mount_set_attr(tree, m->propagation & MS_REC, 0, 0, p);
        return n < 0 ? error_errno(err, -n, "set the mount's attributes") : 0;
}

/* ---- kinds ---- */

static int place(struct rootfs *r, const struct spec_mount *m, int tree, bool fresh, int target, struct error *err)
{
        int n = check_destination(r, m, tree, target, err);

        if (n == 0)
                n = set_attributes(r, m, tree, fresh, err);
        if (n < 0)
                return n;
        n = mount_attach(tree, target);
        return n < 0 ? error_errno(err, -n, "attach it") : 0;
}

static int open_own_source(struct rootfs *r, const struct spec_mount *m, struct error *err)
{
        own_fd int tree = rootfs_open_source(r->l, m, err);
        int n;

        if (tree < 0 || !m->idmap)
                return take_fd(&tree);
        n = init_ask_idmap(r->l, (size_t)(m - r->l->spec.mounts), tree, err);
        return n < 0 ? n : take_fd(&tree);
}

static int mount_bind(struct rootfs *r, const struct spec_mount *m, int prepared, struct error *err)
{
        own_fd int tree = prepared >= 0 ? prepared : open_own_source(r, m, err), target = -1;
        struct stat st;
        bool existed;

        if (tree < 0)
                return tree;
        if (fstat(tree, &st) < 0)
                return error_errno(err, errno, "stat the source");
        target = open_target(r, m, S_ISDIR(st.st_mode), &existed, err);
        if (target < 0)
                return target;
        return place(r, m, tree, false, target, err);
}

static int remount(struct rootfs *r, const struct spec_mount *m, struct error *err)
{
        own_fd int target = fd_open_in_root(r->fd, m->destination, O_PATH);

        if (target < 0)
                return error_errno(err, -target, "open it");
        return set_attributes(r, m, target, false, err);
}

/* An ordinary user's sysfs needs a network namespace of his own; the host's, bound, shows the same. */
static int clone_host_sys(const struct spec_mount *m, struct error *err)
{
        int fd = mount_clone(AT_FDCWD, "/sys", true), n;

        if (fd < 0)
                return error_errno(err, -fd, "clone the host's /sys");
        n = mount_set_attr(fd, true, m->attr_set, 0, 0);
        if (n < 0) {
                close(fd);
                return error_errno(err, -n, "set the attributes of /sys");
        }
        return fd;
}

static bool has_mode(const struct spec_mount *m)
{
        for (size_t i = 0; i < m->data.n; i++) {
                if (strncmp(m->data.v[i], "mode=", 5) == 0)
                        return true;
        }
        return false;
}

/* It takes over the mode of the directory it covers. Read-only it becomes when all that belongs into it is there. */
static int new_tmpfs(struct rootfs *r, const struct spec_mount *m, int target, bool existed, struct error *err)
{
        const char *label = r->l->spec.linux_.mount_label;
        const char **data = arena_alloc(&r->l->spec.arena, m->data.n + 3, sizeof *data);
        own_mem char *context = NULL;
        char mode[16];
        size_t n = m->data.n;
        struct stat st;

        if (!data || (label && asprintf(&context, "context=%s", label) < 0))
                return error_set(err, ENOMEM, "out of memory");
        if (n)
                memcpy(data, m->data.v, n * sizeof *data);
        if (label)
                data[n++] = context;
        if (existed && !has_mode(m)) {
                if (fstat(target, &st) < 0)
                        return error_errno(err, errno, "stat the mount point");
                snprintf(mode, sizeof mode, "mode=%o", st.st_mode & 07777);
                data[n++] = mode;
        }
        return mount_new(m->type, m->source, data, m->attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY, err);
}

static int fill_tmpfs(struct rootfs *r, const struct spec_mount *m, int tree, int target, bool existed,
                      struct error *err)
{
        int n;

        if (existed && m->tmpcopyup) {
                /* Whoever brings the content pays for the memory. */
                n = init_join_limited(r->l, err);
                if (n < 0)
                        return n;
                n = copy_tree(target, tree);
                if (n < 0)
                        return error_errno(err, -n, "copy its content up");
        }
        return same_path(m->destination, "/dev") ? rootfs_fill_dev(r, tree, err) : 0;
}

static int mount_tmpfs(struct rootfs *r, const struct spec_mount *m, int *ret_tree, struct error *err)
{
        own_fd int tree = -1, target = -1;
        bool existed;
        int n;

        target = open_target(r, m, true, &existed, err);
        if (target < 0)
                return target;
        tree = new_tmpfs(r, m, target, existed, err);
        if (tree < 0)
                return tree;
        n = fill_tmpfs(r, m, tree, target, existed, err);
        if (n == 0)
                n = place(r, m, tree, true, target, err);
        if (n == 0 && m->attr_set & MOUNT_ATTR_RDONLY)
                *ret_tree = take_fd(&tree);
        return n;
}

/* A mount of message queues takes no label when it is made: there is one of them a namespace, as old as that. */
static int label_root(int tree, const char *label, struct error *err)
{
        own_fd int dir = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (dir < 0 || fsetxattr(dir, "security.selinux", label, strlen(label) + 1, 0) < 0)
                return error_errno(err, errno, "set the SELinux label");
        return 0;
}

/* What the kernel shows of itself (proc, sysfs) keeps the policy's labels. */
static int new_fs(const struct rootfs *r, const struct spec_mount *m, struct error *err)
{
        const char *label = r->l->spec.linux_.mount_label;
        own_fd int fs = -1, tree = -1;
        int n;

        if (!label || (!is_type(m, "devpts") && !is_type(m, "mqueue")))
                return mount_new(m->type, m->source, m->data.n ? m->data.v : NULL, m->attr_set, err);
        fs = mount_context(m->type, m->source, err);
        n = fs < 0 || !m->data.n ? fs : mount_context_set_all(fs, m->data.v, err);
        if (n >= 0 && is_type(m, "devpts"))
                n = mount_context_set(fs, "context", label, err);
        if (n >= 0)
                n = tree = mount_context_mount(fs, m->attr_set, err);
        if (n >= 0 && is_type(m, "mqueue"))
                n = label_root(tree, label, err);
        return n < 0 ? n : take_fd(&tree);
}

static int mount_fs(struct rootfs *r, const struct spec_mount *m, struct error *err)
{
        own_fd int tree = -1, target = -1;
        bool existed;

        /* The mount point first: the filesystem of the image shall say no before anything is made. */
        target = open_target(r, m, true, &existed, err);
        if (target < 0)
                return target;
        tree = new_fs(r, m, err);
        if (tree == -EPERM && is_type(m, "sysfs"))
                tree = clone_host_sys(m, err);
        return tree < 0 ? tree : place(r, m, tree, true, target, err);
}

int rootfs_mount_one(struct rootfs *r, const struct spec_mount *m, int *tree, struct error *err)
{
        if (is_type(m, "cgroup") || is_type(m, "cgroup2"))
                return rootfs_mount_cgroups(r, m, err);
        if (m->remount)
                return remount(r, m, err);
        if (spec_mount_is_bind(m))
                return mount_bind(r, m, take_fd(tree), err);
        if (!m->type)
                return error_set(err, EINVAL, "neither a type nor bind is given");
        return is_type(m, "tmpfs") ? mount_tmpfs(r, m, tree, err) : mount_fs(r, m, err);
}
