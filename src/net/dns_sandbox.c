/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "net/dns_server.h"
#include "sys/capability.h"

enum { NOBODY = 65534, MAX_FILES = 32 + DNS_QUERIES_MAX + 2 * DNS_STREAMS_MAX };

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH AUDIT_ARCH_RISCV64
#endif

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

/* Written by hand, so that a program that only waits does not carry libseccomp. */
static int filter_calls(struct error *err)
{
#ifdef OUR_ARCH
        struct sock_filter code[4 + ARRAY_SIZE(allowed) + 2];
        struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };
        size_t n = 0;

        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        /* Jumps over the rest and the refusal behind it. */
        for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
                code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed[i],
                                                         (uint8_t)(ARRAY_SIZE(allowed) - i), 0);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
                return error_errno(err, errno, "filter the system calls");
#endif
        return 0;
}

int dns_sandbox_enter(struct error *err)
{
        int r = become_nobody(err);

        if (r == 0)
                r = limit(err);
        if (r == 0)
                r = filter_calls(err);
        return r < 0 ? error_wrap(err, "sandbox") : 0;
}
