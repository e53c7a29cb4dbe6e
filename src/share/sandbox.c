/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "share/share.h"
#include "sys/call_filter.h"
#include "sys/capability.h"
#include "sys/mount_tree.h"

#define BIT(capability) (1ULL << (capability))

/* To be anybody to files, and nothing else: no device can be made, no handle of a file be opened. */
static const uint64_t rights = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |
                               BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETFCAP);

static const int calls[] = {
        SYS_read,      SYS_write,         SYS_recvfrom,        SYS_sendto,      SYS_ppoll,      SYS_close,
        SYS_openat,    SYS_statx,         SYS_newfstatat,      SYS_fstat,       SYS_fstatfs,    SYS_readlinkat,
        SYS_pread64,   SYS_pwrite64,      SYS_lseek,           SYS_ftruncate,   SYS_fallocate,  SYS_copy_file_range,
        SYS_fsync,     SYS_fdatasync,     SYS_getdents64,      SYS_mkdirat,     SYS_mknodat,    SYS_symlinkat,
        SYS_linkat,    SYS_unlinkat,      SYS_renameat2,       SYS_fchmodat,    SYS_fchownat,   SYS_utimensat,
        SYS_getxattr,  SYS_setxattr,      SYS_listxattr,       SYS_removexattr, SYS_fcntl,      SYS_flock,
        SYS_setfsuid,  SYS_setfsgid,      SYS_capget,          SYS_capset,      SYS_brk,        SYS_mmap,
        SYS_munmap,    SYS_mremap,        SYS_madvise,         SYS_mprotect,    SYS_exit_group, SYS_rt_sigreturn,
        SYS_getrandom, SYS_clock_gettime, SYS_restart_syscall,
#ifdef SYS_poll
        SYS_poll,
#endif
#ifdef SYS_open
        SYS_open,
#endif
#ifdef SYS_futex
        SYS_futex,
#endif
};

/* A mount of its own: ".." leads nowhere. */
int share_enter_descriptors(struct error *err)
{
        own_fd int fd = mount_clone(AT_FDCWD, "/proc/self/fd", false);

        if (fd < 0)
                return error_errno(err, -fd, "open our descriptors");
        return fchdir(fd) < 0 ? error_errno(err, errno, "enter our descriptors") : 0;
}

/* An empty directory, and none that anybody else has. */
static int enter_nothing(struct error *err)
{
        own_fd int fd = mount_new("tmpfs", "holt", NULL, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, err);
        char path[32];

        if (fd < 0)
                return fd;
        snprintf(path, sizeof path, "%d", fd);
        return chroot(path) < 0 ? error_errno(err, errno, "enter an empty directory") : 0;
}

static int drop_rights(struct error *err)
{
        const struct capability_sets kept = { .effective = rights, .permitted = rights };
        int r = capability_bound(rights);

        if (r == 0)
                r = capability_set(&kept);
        return r < 0 ? error_errno(err, -r, "drop the capabilities") : 0;
}

static int limit(struct error *err)
{
        const struct rlimit none = {};

        if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_DUMPABLE, 0) < 0)
                return error_errno(err, errno, "limit the process");
        umask(0);
        signal(SIGXFSZ, SIG_IGN);
        return 0;
}

int share_sandbox_enter(struct error *err)
{
        int r = share_enter_descriptors(err);

        if (r == 0)
                r = enter_nothing(err);
        if (r == 0)
                r = limit(err);
        if (r == 0)
                r = drop_rights(err);
        if (r == 0)
                r = call_filter_set(calls, ARRAY_SIZE(calls), err);
        return r < 0 ? error_wrap(err, "sandbox") : 0;
}
