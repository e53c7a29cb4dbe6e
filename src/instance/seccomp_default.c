/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/seccomp_default.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "base/own.h"
#include "oci/image_manifest.h"

/* clone3() hides its flags in memory: with "not there" the C library falls back to clone(). */
enum { NAME_SIZE = 40, REFUSED = EPERM, NOT_THERE = ENOSYS };

static const char always[] =
        "_llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod "
        "chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
        "clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range "
        "creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
        "epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 "
        "fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 "
        "fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat "
        "fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 "
        "futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents "
        "getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer "
        "getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid "
        "getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32 "
        "getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel "
        "io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get "
        "ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 "
        "lgetxattr link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr "
        "lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat "
        "mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open "
        "mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal "
        "msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat "
        "open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect "
        "poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv "
        "process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink "
        "readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr "
        "removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction "
        "rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
        "rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min "
        "sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval "
        "sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler "
        "sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 "
        "sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid "
        "setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 "
        "setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid "
        "setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 "
        "sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx "
        "symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete "
        "timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create "
        "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 "
        "ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork "
        "vmsplice wait4 waitid waitpid write writev";

/* What holds only for some: of a capability, of those without it, of machines. */
struct rule {
        const char *names;   /* separated by spaces */
        const char *machine; /* in Go's words; NULL: any */
        uint64_t with, without;
        unsigned error; /* 0: allowed */
        bool has_condition;
        unsigned argument;
        const char *comparison;
        uint64_t value;
};

#define BIT(n) (1ULL << (n))

/* Of these bits none may be set: those of new namespaces (clone() knows no CLONE_NEWTIME). */
#define NAMESPACES \
        (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#define ONLY_IF(n, c, v) .has_condition = true, .argument = (n), .comparison = "SCMP_CMP_" c, .value = (v)

static const struct rule rules[] = {
        /* No AF_ALG (38), the kernel's cryptography, and no AF_VSOCK (40), which knows no network namespaces. */
        { .names = "socket", ONLY_IF(0, "LT", 38) },
        { .names = "socket", ONLY_IF(0, "EQ", 39) },
        { .names = "socket", ONLY_IF(0, "GT", 40) },
        /* PER_LINUX and PER_LINUX32, both also with UNAME26; and to ask. */
        { .names = "personality", ONLY_IF(0, "EQ", 0) },
        { .names = "personality", ONLY_IF(0, "EQ", 0x8) },
        { .names = "personality", ONLY_IF(0, "EQ", 0x20000) },
        { .names = "personality", ONLY_IF(0, "EQ", 0x20008) },
        { .names = "personality", ONLY_IF(0, "EQ", 0xffffffff) },

        { .names = "swapcontext sync_file_range2", .machine = "ppc64le" },
        { .names = "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2",
          .machine = "arm64" },
        { .names = "arch_prctl modify_ldt", .machine = "amd64" },
        { .names = "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr", .machine = "s390x" },
        { .names = "riscv_flush_icache", .machine = "riscv64" },

        { .names = "open_by_handle_at", .with = BIT(CAP_DAC_READ_SEARCH) },
        { .names = "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr "
                   "lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open "
                   "quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare",
          .with = BIT(CAP_SYS_ADMIN) },
#ifdef __s390x__
        { .names = "clone", .without = BIT(CAP_SYS_ADMIN), ONLY_IF(1, "MASKED_EQ", NAMESPACES) },
#else
        { .names = "clone", .without = BIT(CAP_SYS_ADMIN), ONLY_IF(0, "MASKED_EQ", NAMESPACES) },
#endif
        { .names = "clone3", .without = BIT(CAP_SYS_ADMIN), .error = NOT_THERE },
        { .names = "reboot", .with = BIT(CAP_SYS_BOOT) },
        { .names = "chroot", .with = BIT(CAP_SYS_CHROOT) },
        { .names = "delete_module finit_module init_module", .with = BIT(CAP_SYS_MODULE) },
        { .names = "acct", .with = BIT(CAP_SYS_PACCT) },
        { .names = "kcmp pidfd_getfd process_madvise", .with = BIT(CAP_SYS_PTRACE) },
        { .names = "ioperm iopl", .with = BIT(CAP_SYS_RAWIO) },
        { .names = "clock_settime clock_settime64 settimeofday stime", .with = BIT(CAP_SYS_TIME) },
        { .names = "vhangup", .with = BIT(CAP_SYS_TTY_CONFIG) },
        { .names = "get_mempolicy mbind set_mempolicy set_mempolicy_home_node", .with = BIT(CAP_SYS_NICE) },
        { .names = "syslog", .with = BIT(CAP_SYSLOG) },
        { .names = "bpf", .with = BIT(CAP_BPF) },
        { .names = "perf_event_open", .with = BIT(CAP_PERFMON) },
};

/* A machine and what of others it runs. */
static const struct {
        const char *machine, *names[3];
} architectures[] = {
        { "amd64", { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32" } },
        { "arm64", { "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM" } },
        { "mips64", { "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32" } },
        { "mips64le", { "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32" } },
        { "s390x", { "SCMP_ARCH_S390X", "SCMP_ARCH_S390" } },
        { "riscv64", { "SCMP_ARCH_RISCV64" } },
        { "loong64", { "SCMP_ARCH_LOONGARCH64" } },
};

static void write_architectures(const char *machine, struct json_writer *w)
{
        json_begin_array(w, "architectures");
        for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
                if (strcmp(architectures[i].machine, machine) != 0)
                        continue;
                for (size_t k = 0; k < ARRAY_SIZE(architectures[i].names) && architectures[i].names[k]; k++)
                        json_write_string(w, NULL, architectures[i].names[k]);
        }
        json_end_array(w);
}

static void write_names(const char *names, struct json_writer *w)
{
        char name[NAME_SIZE];

        json_begin_array(w, "names");
        while (*names) {
                size_t n = strcspn(names, " ");

                memcpy(name, names, n);
                name[n] = '\0';
                json_write_string(w, NULL, name);
                names += n + (names[n] == ' ');
        }
        json_end_array(w);
}

static void write_rule(const struct rule *r, struct json_writer *w)
{
        json_begin_object(w, NULL);
        write_names(r->names, w);
        json_write_string(w, "action", r->error ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
        if (r->error)
                json_write_u64(w, "errnoRet", r->error);
        if (r->has_condition) {
                json_begin_array(w, "args");
                json_begin_object(w, NULL);
                json_write_u64(w, "index", r->argument);
                json_write_u64(w, "value", r->value);
                json_write_string(w, "op", r->comparison);
                json_end_object(w);
                json_end_array(w);
        }
        json_end_object(w);
}

static bool holds(const struct rule *r, uint64_t capabilities, const char *machine)
{
        return (!r->machine || strcmp(r->machine, machine) == 0) && (!r->with || capabilities & r->with) &&
               !(capabilities & r->without);
}

void seccomp_default_write(uint64_t capabilities, struct json_writer *w)
{
        const char *machine = platform_host().architecture;

        json_write_string(w, "defaultAction", "SCMP_ACT_ERRNO");
        json_write_u64(w, "defaultErrnoRet", REFUSED);
        write_architectures(machine, w);
        json_begin_array(w, "syscalls");
        write_rule(&(struct rule){ .names = always }, w);
        for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
                if (holds(&rules[i], capabilities, machine))
                        write_rule(&rules[i], w);
        }
        json_end_array(w);
}
