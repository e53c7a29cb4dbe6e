/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/sandbox_seccomp.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/own.h"

/* Files by descriptor, memory, threads, time. What a name stands for differs from architecture to architecture: one
 * that does not exist is passed over. */
static const char *const always[] = {
        "read",
        "write",
        "readv",
        "writev",
        "pread64",
        "pwrite64",
        "preadv",
        "pwritev",
        "lseek",
        "_llseek",
        "close",
        "fstat",
        "fstat64",
        "newfstatat",
        "fstatat64",
        "statx",
        "fcntl",
        "fcntl64",
        "ftruncate",
        "ftruncate64",
        "fallocate",
        "fsync",
        "fdatasync",
        "sync_file_range",
        "fadvise64",
        "fadvise64_64",
        "copy_file_range",
        "sendfile",
        "sendfile64",
        "splice",
        "dup",
        "open",
        "openat",
        "openat2",
        "access",
        "faccessat",
        "faccessat2",
        "readlink",
        "readlinkat",
        "getdents64",
        "getcwd",
        "mkdirat",
        "linkat",
        "renameat",
        "renameat2",
        "unlinkat",
        "fstatfs",
        "umask",
        "mmap",
        "mmap2",
        "munmap",
        "mremap",
        "mprotect",
        "madvise",
        "brk",
        "membarrier",
        "memfd_create",
        "futex",
        "futex_time64",
        "set_robust_list",
        "rseq",
        "set_tid_address",
        "exit",
        "exit_group",
        "gettid",
        "getpid",
        "getppid",
        "tgkill",
        "sched_yield",
        "sched_getaffinity",
        "getcpu",
        "rt_sigaction",
        "rt_sigprocmask",
        "rt_sigreturn",
        "sigreturn",
        "sigaltstack",
        "restart_syscall",
        "rt_sigtimedwait",
        "clock_gettime",
        "clock_gettime64",
        "clock_getres",
        "clock_nanosleep",
        "clock_nanosleep_time64",
        "nanosleep",
        "gettimeofday",
        "time",
        "getrandom",
        "uname",
        "sysinfo",
        "getrusage",
        "times",
        "getuid",
        "geteuid",
        "getgid",
        "getegid",
        "getresuid",
        "getresgid",
        "poll",
        "ppoll",
        "ppoll_time64",
        "select",
        "_newselect",
        "pselect6",
        "pselect6_time64",
        "epoll_create1",
        "epoll_ctl",
        "epoll_wait",
        "epoll_pwait",
        "epoll_pwait2",
        "eventfd2",
        "pipe",
        "pipe2",
        "sendmsg",
        "recvmsg",
        "sendto",
        "recvfrom",
        "shutdown",
};

static const char *const network[] = {
        "connect",    "bind",     "getsockname", "getpeername",     "getsockopt",
        "setsockopt", "sendmmsg", "recvmmsg",    "recvmmsg_time64",
};

/* Nobody who parses an archive starts a program: this is an attack, not a mistake. */
static const char *const deadly[] = { "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev" };

static int add(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                int nr = seccomp_syscall_resolve_name(names[i]);
                int r = nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(ctx, action, nr, 0);

                /* -EDOM, -EOPNOTSUPP: known elsewhere, not here */
                if (r < 0 && r != -EDOM && r != -EOPNOTSUPP)
                        return r;
        }
        return 0;
}

static int add_sockets(scmp_filter_ctx ctx)
{
        static const int families[] = { AF_INET, AF_INET6, AF_NETLINK };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(families) && r == 0; i++)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
        return r;
}

static int add_with_arguments(scmp_filter_ctx ctx)
{
        static const unsigned long ioctls[] = { FIONREAD, FIONBIO };
        static const int prctls[] = { PR_SET_NAME, PR_SET_VMA };
        /* Threads; glibc falls back to it from clone3(), whose arguments a filter cannot see. */
        int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));

        if (r == 0)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
        /* Asking for a limit, not setting one. */
        if (r == 0)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
        for (size_t i = 0; i < ARRAY_SIZE(ioctls) && r == 0; i++)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, ioctls[i]));
        for (size_t i = 0; i < ARRAY_SIZE(prctls) && r == 0; i++)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)prctls[i]));
        return r;
}

int sandbox_seccomp(const struct sandbox *s, struct error *err)
{
        scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
        int r = ctx ? add(ctx, SCMP_ACT_ALLOW, always, ARRAY_SIZE(always)) : -ENOMEM;

        if (r == 0)
                r = add_with_arguments(ctx);
        if (r == 0 && s->network)
                r = add(ctx, SCMP_ACT_ALLOW, network, ARRAY_SIZE(network));
        if (r == 0 && s->network)
                r = add_sockets(ctx);
        if (r == 0)
                r = add(ctx, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_SIZE(deadly));
        if (r == 0)
                r = seccomp_load(ctx);
        seccomp_release(ctx);
        return r < 0 ? error_errno(err, -r, "load the seccomp filter") : 0;
}
