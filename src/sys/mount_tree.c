/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/mount_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

enum { DETACH = 2 /* MNT_DETACH of umount2(2), which no header of the kernel has */ };

int mount_clone(int dirfd, const char *path, bool recursive)
{
        unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
        long fd = syscall(SYS_open_tree, dirfd, path, flags);

        return fd < 0 ? -errno : (int)fd;
}

int mount_attach(int mount_fd, int target_fd)
{
        return mount_attach_at(mount_fd, target_fd, "");
}

int mount_attach_at(int mount_fd, int dir_fd, const char *name)
{
        unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (*name ? 0 : MOVE_MOUNT_T_EMPTY_PATH);

        return syscall(SYS_move_mount, mount_fd, "", dir_fd, name, flags) < 0 ? -errno : 0;
}

int mount_set_attr(int fd, bool recursive, uint64_t set, uint64_t clear, unsigned long propagation)
{
        struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };

        if (!set && !clear && !propagation)
                return 0;
        if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr) < 0)
                return -errno;
        return 0;
}

int mount_set_idmap(int fd, bool recursive, int userns_fd)
{
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns_fd };

        if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr) < 0)
                return -errno;
        return 0;
}

/* The kernel queues messages on the context; each read gives one, with a prefix "e ", "w " or "i ". */
static int context_error(int fs, int code, struct error *err, const char *what, const char *detail)
{
        char message[256];
        ssize_t n = read(fs, message, sizeof message - 1);

        if (n > 2) {
                message[n] = '\0';
                message[strcspn(message, "\n")] = '\0';
                return error_set(err, code, "%s%s: %s (%s)", what, detail, strerror(code), message + 2);
        }
        return error_errno(err, code, "%s%s", what, detail);
}

int mount_context(const char *type, const char *source, struct error *err)
{
        own_fd int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);

        if (fs < 0)
                return errno == ENODEV ? error_set(err, ENODEV, "unknown filesystem type %s", type)
                                       : error_errno(err, errno, "filesystem %s", type);
        if (source && syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
                return context_error(fs, errno, err, "source ", source);
        return take_fd(&fs);
}

int mount_context_set(int fs, const char *key, const char *value, struct error *err)
{
        unsigned command = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

        return syscall(SYS_fsconfig, fs, command, key, value, 0) < 0
                       ? context_error(fs, errno, err, "mount option ", key)
                       : 0;
}

int mount_context_set_fd(int fs, const char *key, int fd, struct error *err)
{
        return syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, key, NULL, fd) < 0
                       ? context_error(fs, errno, err, "mount option ", key)
                       : 0;
}

static int set_option(int fs, const char *option, struct error *err)
{
        const char *eq = strchr(option, '=');
        own_mem char *key = NULL;

        if (!eq)
                return mount_context_set(fs, option, NULL, err);
        key = strndup(option, (size_t)(eq - option));
        if (!key)
                return error_errno(err, ENOMEM, "mount option %s", option);
        return mount_context_set(fs, key, eq + 1, err);
}

int mount_context_set_all(int fs, const char *const *data, struct error *err)
{
        int r = 0;

        for (size_t i = 0; r == 0 && data && data[i]; i++)
                r = set_option(fs, data[i], err);
        return r;
}

int mount_context_mount(int fs, uint64_t attrs, struct error *err)
{
        int fd;

        if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return context_error(fs, errno, err, "create filesystem", "");
        fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, (unsigned)attrs);
        return fd < 0 ? context_error(fs, errno, err, "mount", "") : fd;
}

int mount_new(const char *type, const char *source, const char *const *data, uint64_t attrs, struct error *err)
{
        own_fd int fs = mount_context(type, source, err);
        int r = fs < 0 ? fs : mount_context_set_all(fs, data, err);

        if (r == 0)
                r = mount_context_mount(fs, attrs, err);
        return r < 0 && fs >= 0 ? error_wrap(err, "%s", type) : r;
}

int mount_detach(const char *path)
{
        return syscall(SYS_umount2, path, DETACH) < 0 ? -errno : 0;
}
