/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_sandbox.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "net/dns_server.h"
#include "sys/call_filter.h"
#include "sys/capability.h"

enum { NOBODY = 65534, MAX_FILES = 32 + DNS_QUERIES_MAX + 2 * DNS_STREAMS_MAX };

/* Sockets, files to read, memory, time. */
static const int allowed[] = {
        SYS_read,         SYS_recvfrom,        SYS_recvmsg,    SYS_sendto,        SYS_sendmsg,    SYS_socket,
        SYS_connect,      SYS_accept4,         SYS_getsockopt, SYS_setsockopt,    SYS_ioctl,      SYS_ppoll,
        SYS_close,        SYS_openat,          SYS_fstat,      SYS_newfstatat,    SYS_getdents64, SYS_lseek,
        SYS_flock,        SYS_fcntl,           SYS_getrandom,  SYS_clock_gettime, SYS_brk,        SYS_mmap,
        SYS_munmap,       SYS_mremap,          SYS_madvise,    SYS_mprotect,      SYS_write,      SYS_exit_group,
        SYS_rt_sigreturn, SYS_restart_syscall,
#ifdef SYS_poll
        SYS_poll,
#endif
#ifdef SYS_futex
        SYS_futex,
#endif
};

static int become_nobody(struct error *err)
{
        static const struct capability_sets none;
        int r;

        if (geteuid() == 0 &&
            ((setgroups(0, NULL) < 0 && errno != EPERM) ||
             ((setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0) && errno != EINVAL)))
                return error_errno(err, errno, "become nobody");
        r = capability_bound(0);
        if (r == 0 || r == -EPERM)
                r = capability_set(&none);
        return r < 0 ? error_errno(err, -r, "drop the capabilities") : 0;
}

static int limit(struct error *err)
{
        const struct rlimit none = {}, files = { MAX_FILES, MAX_FILES };

        if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NOFILE, &files) < 0 ||
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
                return error_errno(err, errno, "limit the process");
        return 0;
}

int dns_sandbox_enter(struct error *err)
{
        int r = become_nobody(err);

        if (r == 0)
                r = limit(err);
        if (r == 0)
                r = call_filter_set(allowed, ARRAY_SIZE(allowed), err);
        return r < 0 ? error_wrap(err, "sandbox") : 0;
}
