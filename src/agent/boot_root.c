/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/boot.h"
#include "agent/guest.h"
#include "agent/modprobe.h"
#include "base/own.h"

/* In the initial file system. */
#define TOP "/root"

enum { MAX_FILES = 1 << 20 };

struct place {
        const char *path, *type, *data;
        unsigned long flags;
};

static const struct place places[] = {
        { TOP "/dev", "devtmpfs", "mode=0755", MS_NOSUID },
        { TOP "/dev/pts", "devpts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC },
        { TOP "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
        { TOP "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
        { TOP "/sys/fs/cgroup", "cgroup2", "nsdelegate,memory_recursiveprot", MS_NOSUID | MS_NODEV | MS_NOEXEC },
};

static int mount_place(const struct place *p, struct error *err)
{
        if (mkdir(p->path, 0755) < 0 && errno != EEXIST)
                return error_errno(err, errno, "make %s", p->path);
        return mount(p->type, p->path, p->type, p->flags, p->data) < 0 ? error_errno(err, errno, "mount %s", p->type)
                                                                       : 0;
}

/* What the kernel leaves out of its own /dev, for who gets that one. */
static int add_links(struct error *err)
{
        static const struct {
                const char *name, *target;
        } links[] = {
                { TOP "/dev/fd", "/proc/self/fd" },
                { TOP "/dev/stdin", "/proc/self/fd/0" },
                { TOP "/dev/stdout", "/proc/self/fd/1" },
                { TOP "/dev/stderr", "/proc/self/fd/2" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                if (symlink(links[i].target, links[i].name) < 0 && errno != EEXIST)
                        return error_errno(err, errno, "link %s", links[i].name);
        }
        return 0;
}

/* The kernel gives its first program those of a small machine. */
static void raise_limits(void)
{
        const struct rlimit files = { MAX_FILES, MAX_FILES }, processes = { RLIM_INFINITY, RLIM_INFINITY };

        setrlimit(RLIMIT_NOFILE, &files);
        setrlimit(RLIMIT_NPROC, &processes);
}

int boot_make_root(struct error *err)
{
        static const struct place top = { TOP, "tmpfs", "mode=0755", MS_NODEV };
        int r = mount_place(&top, err);

        for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++)
                r = mount_place(&places[i], err);
        raise_limits();
        return r == 0 ? add_links(err) : r;
}

static int keep_init(int file, struct error *err)
{
        char path[40];

        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        if (mknod(GUEST_INIT, S_IFREG | 0555, 0) < 0 || mount(path, GUEST_INIT, NULL, MS_BIND, NULL) < 0)
                return error_errno(err, errno, "keep " GUEST_INIT);
        return 0;
}

/* Our own file, for who wants to run something that is certainly there (monitor/rehearsal.h). */
static int keep_program(struct error *err)
{
        if (mknod(GUEST_PROGRAM, S_IFREG | 0500, 0) < 0 ||
            mount("/proc/self/exe", GUEST_PROGRAM, NULL, MS_BIND, NULL) < 0)
                return error_errno(err, errno, "keep " GUEST_PROGRAM);
        /* Empty, unless the host gives some. */
        if (mkdir(GUEST_MODULES, 0755) < 0)
                return error_errno(err, errno, "make " GUEST_MODULES);
        /* Where the kernel looks for it. */
        if (mkdir("/sbin", 0755) < 0 || symlink(GUEST_PROGRAM, MODPROBE) < 0)
                return error_errno(err, errno, "make " MODPROBE);
        return 0;
}

int boot_enter_root(struct error *err)
{
        own_fd int init = open("/holt-init", O_PATH | O_CLOEXEC);
        int r;

        if (init < 0)
                return error_errno(err, errno, "open /holt-init");
        if (chdir(TOP) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
                return error_errno(err, errno, "move to the root");
        if (mkdir("/run", 0755) < 0 || mkdir(GUEST_RUN, 0700) < 0 || chdir("/") < 0)
                return error_errno(err, errno, "make " GUEST_RUN);
        r = keep_init(init, err);
        return r == 0 ? keep_program(err) : r;
}
