/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/qemu_sandbox.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/capability.h"
#include "sys/landlock.h"

/* A layer has three descriptors at most: what it was given, QEMU's copy, and that of the copy for locks. Above are those
 * of who becomes another process (process_image/process_image.h). */
enum { NOBODY = 65534, MAX_FILES = 1024 + 64 };

/* ---- who it is ---- */

/* With KVM a member of its group. */
static int become_nobody(const struct qemu_sandbox *s, struct error *err)
{
        gid_t group = NOBODY;
        struct stat st;
        int r = capability_bound(0);

        if (s->accelerator == ACCELERATOR_KVM && stat("/dev/kvm", &st) == 0)
                group = st.st_gid;
        if (r < 0 && r != -EPERM)
                return error_errno(err, -r, "drop the capabilities");
        if (setgroups(0, NULL) < 0 || setresgid(group, group, group) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return error_errno(err, errno, "become nobody");
        return 0;
}

static int limit(struct error *err)
{
        const struct rlimit none = {}, files = { MAX_FILES, MAX_FILES };

        if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_MSGQUEUE, &none) < 0 ||
            setrlimit(RLIMIT_NOFILE, &files) < 0)
                return error_errno(err, errno, "limit the process");
        return 0;
}

/* ---- what it opens ---- */

/* Its firmware lies beside its program: PREFIX/bin, PREFIX/share. */
static int allow_firmware(const struct landlock *l, const char *program, struct error *err)
{
        static const char *const places[] = { "lib", "lib64", "share/qemu", "share/seabios" };
        const char *end = strrchr(program, '/');
        char path[PATH_MAX];
        int r = 0;

        for (size_t i = 0; end && i < ARRAY_SIZE(places) && r == 0; i++)
                if (snprintf(path, sizeof(path), "%.*s/../%s", (int)(end - program), program, places[i]) <
                    (int)sizeof(path))
                        r = landlock_allow_path(l, path, LANDLOCK_READ | LANDLOCK_ACCESS_FS_EXECUTE, err);
        return r;
}

static int close_files(const struct qemu_sandbox *s, struct error *err)
{
        static const uint64_t use = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                    LANDLOCK_FILE_TRUNCATE | LANDLOCK_FILE_IOCTL;
        const struct {
                const char *path;
                uint64_t rights;
        } paths[] = {
                { s->program, LANDLOCK_READ | LANDLOCK_ACCESS_FS_EXECUTE },
                { "/lib", LANDLOCK_READ | LANDLOCK_ACCESS_FS_EXECUTE },
                { "/lib64", LANDLOCK_READ | LANDLOCK_ACCESS_FS_EXECUTE },
                { "/usr/lib", LANDLOCK_READ | LANDLOCK_ACCESS_FS_EXECUTE },
                { "/usr/lib64", LANDLOCK_READ | LANDLOCK_ACCESS_FS_EXECUTE },
                { "/etc/ld.so.cache", LANDLOCK_READ },
                { "/dev/null", use },
                { "/dev/urandom", LANDLOCK_READ },
                { s->accelerator == ACCELERATOR_KVM ? "/dev/kvm" : "/dev/null", use },
        };
        own_landlock struct landlock l = { .rules = -1 };
        int r = landlock_begin(false, &l, err);

        for (size_t i = 0; i < ARRAY_SIZE(paths) && r == 0; i++)
                r = landlock_allow_path(&l, paths[i].path, paths[i].rights, err);
        if (r == 0)
                r = allow_firmware(&l, s->program, err);
        for (size_t i = 0; i < s->n_reopened && r == 0; i++)
                r = landlock_allow(&l, s->reopened[i], use, err);
        return r == 0 ? landlock_enter(&l, err) : r;
}

/* ---- what it asks of the kernel ---- */

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

/*
 * What QEMU 7.2 to 9.2 leave by -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny. Starting
 * programs is forbidden by that one: QEMU itself has still to be started.
 */
static const int refused[] = {
        SYS_socket,
        SYS_bind,
        SYS_listen,
        SYS_connect,
        SYS_unshare,
        SYS_setns,
        SYS_chroot,
        SYS_pivot_root,
        SYS_umount2,
        SYS_open_tree,
        SYS_move_mount,
        SYS_fsopen,
        SYS_fsconfig,
        SYS_fsmount,
        SYS_fspick,
        SYS_mount_setattr,
        SYS_ptrace,
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_process_madvise,
        SYS_pidfd_open,
        SYS_pidfd_getfd,
        SYS_pidfd_send_signal,
        SYS_bpf,
        SYS_perf_event_open,
        SYS_userfaultfd,
        SYS_add_key,
        SYS_request_key,
        SYS_keyctl,
        SYS_io_uring_setup,
        SYS_io_uring_enter,
        SYS_io_uring_register,
        SYS_name_to_handle_at,
        SYS_open_by_handle_at,
        SYS_init_module,
        SYS_finit_module,
        SYS_delete_module,
        SYS_quotactl,
        SYS_acct,
        SYS_settimeofday,
        SYS_clock_settime,
        SYS_adjtimex,
        SYS_clock_adjtime,
        SYS_fanotify_init,
        SYS_inotify_init1,
        SYS_lookup_dcookie,
        SYS_migrate_pages,
        SYS_move_pages,
        SYS_vmsplice,
        SYS_kcmp,
#if defined(__x86_64__)
        SYS_modify_ldt,
        SYS_iopl,
        SYS_ioperm,
        SYS_inotify_init,
#endif
};

static int filter_calls(struct error *err)
{
#ifdef OUR_ARCH
        struct sock_filter code[4 + ARRAY_SIZE(refused) + 2];
        struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };
        size_t n = 0;

        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        /* Jumps over the rest and the permission behind it. */
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
                code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)refused[i],
                                                         (uint8_t)(ARRAY_SIZE(refused) - i), 0);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
                return error_errno(err, errno, "filter the system calls");
#endif
        return 0;
}

int qemu_sandbox_enter(const struct qemu_sandbox *s, struct error *err)
{
        int r = limit(err);

        if (r == 0)
                r = become_nobody(s, err);
        if (r == 0)
                r = close_files(s, err);
        if (r == 0)
                r = filter_calls(err);
        return r < 0 ? error_wrap(err, "QEMU's sandbox") : 0;
}
