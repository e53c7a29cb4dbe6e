/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holt-thaw: becomes the process of a file (process_image/format.h), which is at PROCESS_IMAGE_FD. All descriptors below
 * are where that process has them, and whoever started us has taken from us all rights that it is not to have.
 *
 * It stands where that process has nothing, and has no C library, whose place may be anywhere. On any failure it ends:
 * nothing of the process has run by then.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "process_image/format.h"

#define ARCH_SET_FS 0x1002
#define AT_NULL 0
#define AT_SYSINFO_EHDR 33
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { PAGE = 4096, STACK = 16 << 10, SIGNALS_SIZE = 8 };

static long call6(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
        register uint64_t r10 __asm__("r10") = d;
        register uint64_t r8 __asm__("r8") = e;
        register uint64_t r9 __asm__("r9") = f;
        long ret;

        __asm__ volatile("syscall"
                         : "=a"(ret)
                         : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                         : "rcx", "r11", "memory");
        return ret;
}

static long call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        return call6(nr, a, b, c, d, 0, 0);
}

static _Noreturn void end(int status)
{
        for (;;)
                call(SYS_exit_group, (uint64_t)status, 0, 0, 0);
}

static void check(long r, int what)
{
        if (r < 0)
                end(r == -ENOMEM || r == -EAGAIN ? PROCESS_LACKS : what);
}

/* What failed: the status with which we end. */
enum { FAILED_HEAD = 1, FAILED_VDSO, FAILED_UNMAP, FAILED_MAP, FAILED_SIGNALS, FAILED_FILTER, FAILED_THREADS };

/* ---- the head ---- */

static void map_head(uint64_t length)
{
        check(call6(SYS_mmap, PROCESS_HEAD_AT, length, PROT_READ, MAP_PRIVATE | MAP_FIXED, PROCESS_IMAGE_FD, 0),
              FAILED_HEAD);
}

static const struct process_head *open_head(void)
{
        const struct process_head *h = (const struct process_head *)PROCESS_HEAD_AT;

        map_head(PAGE);
        if (h->magic != PROCESS_MAGIC || h->length > PROCESS_HEAD_MAX)
                end(FAILED_HEAD);
        map_head(h->length);
        return h;
}

static const void *table(const struct process_head *h, const struct process_table *t)
{
        return (const char *)h + t->offset;
}

/* ---- memory ---- */

/* Behind the arguments and the environment. */
static uint64_t find_vdso(const uint64_t *stack)
{
        const uint64_t *p = stack + 1 + stack[0] + 1;

        while (*p++)
                continue;
        for (; p[0] != AT_NULL; p += 2)
                if (p[0] == AT_SYSINFO_EHDR)
                        return p[1];
        end(FAILED_VDSO);
}

static void unmap(uint64_t from, uint64_t to)
{
        if (from < to)
                check(call(SYS_munmap, from, to - from, 0, 0), FAILED_UNMAP);
}

/*
 * Its parts lie as they did, elsewhere, with the code in the last. Our arguments stay for who lists processes. Where they
 * are may be somebody else's: then they are gone.
 */
static void move_vdso(const struct process_head *h, const uint64_t *stack)
{
        const struct process_vdso *v = table(h, &h->vdso);
        uint32_t n = h->vdso.count;
        uint64_t from, end_of_all, there = find_vdso(stack);

        if (!n)
                end(FAILED_VDSO);
        from = there - (v[n - 1].start - v[0].start);
        end_of_all = there + v[n - 1].length;
        unmap(PROCESS_LOWEST, from);
        unmap(end_of_all, (uint64_t)stack & ~(uint64_t)(PAGE - 1));
        for (uint32_t i = 0; i < n && from != v[0].start; i++)
                check(call6(SYS_mremap, from + (v[i].start - v[0].start), v[i].length, v[i].length,
                            MREMAP_MAYMOVE | MREMAP_FIXED, v[i].start, 0),
                      FAILED_VDSO);
}

static void map_all(const struct process_head *h)
{
        const struct process_mapping *m = table(h, &h->mappings);

        for (uint32_t i = 0; i < h->mappings.count; i++) {
                int empty = m[i].offset == PROCESS_EMPTY;
                uint64_t flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | (empty ? MAP_ANONYMOUS : 0);

                check(call6(SYS_mmap, m[i].start, m[i].length, m[i].protection, flags,
                            empty ? (uint64_t)-1 : PROCESS_IMAGE_FD + m[i].file, empty ? 0 : m[i].offset),
                      FAILED_MAP);
        }
}

/* ---- what it may ask of the kernel ---- */

/* What -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny refuses; the process had it. */
static const uint16_t refused[] = {
        SYS_execve,          SYS_execveat,     SYS_fork,       SYS_vfork,           SYS_setuid,   SYS_setgid,
        SYS_setreuid,        SYS_setregid,     SYS_setresuid,  SYS_setresgid,       SYS_setfsuid, SYS_setfsgid,
        SYS_setgroups,       SYS_capset,       SYS_mount,      SYS_swapon,          SYS_swapoff,  SYS_reboot,
        SYS_kexec_load,      SYS__sysctl,      SYS_uselib,     SYS_ustat,           SYS_sysfs,    SYS_personality,
        SYS_setpriority,     SYS_ioprio_set,   SYS_syslog,     SYS_sched_setparam,  SYS_vhangup,  SYS_create_module,
        SYS_get_kernel_syms, SYS_query_module, SYS_nfsservctl, SYS_kexec_file_load,
};

/* No new process, but threads. clone3(2) hides its flags: the C library goes on without. */
static void filter_calls(void)
{
        struct sock_filter code[COUNT(refused) + 8];
        struct sock_fprog program = { .len = COUNT(code), .filter = code };
        unsigned n = 0;

        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        for (unsigned i = 0; i < COUNT(refused); i++)
                code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i],
                                                         (uint8_t)(COUNT(refused) - i + 4), 0);
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 5, 0);
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 2);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
        check(call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (uint64_t)&program, 0), FAILED_FILTER);
}

/* ---- threads ---- */

/* What a thread does of its own: its list of locks, its place for rseq(2), and all of its registers. */
#define GO_ON                                     \
        "mov %c[robust](%%r12), %%rdi\n"          \
        "mov $24, %%esi\n"                        \
        "mov %[set_robust_list], %%eax\n"         \
        "syscall\n"                               \
        "mov %c[rseq_length](%%r12), %%esi\n"     \
        "test %%esi, %%esi\n"                     \
        "jz 2f\n"                                 \
        "mov %c[rseq](%%r12), %%rdi\n"            \
        "xor %%edx, %%edx\n"                      \
        "mov %c[rseq_signature](%%r12), %%r10d\n" \
        "mov %[set_rseq], %%eax\n"                \
        "syscall\n"                               \
        "2: mov %%r12, %%rsp\n"                   \
        "mov %[sigreturn], %%eax\n"               \
        "syscall\n"                               \
        "hlt\n"

#define OFFSETS                                                                                                        \
        [robust] "i"(offsetof(struct process_thread, robust_list)), [rseq] "i"(offsetof(struct process_thread, rseq)), \
                [rseq_length] "i"(offsetof(struct process_thread, rseq_length)),                                       \
                [rseq_signature] "i"(offsetof(struct process_thread, rseq_signature)),                                 \
                [set_robust_list] "i"(SYS_set_robust_list), [set_rseq] "i"(SYS_rseq),                                  \
                [sigreturn] "i"(SYS_rt_sigreturn)

/* The kernel writes its new number where the C library has it. */
static void start(const struct process_thread *t)
{
        const uint64_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                               CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
        register uint64_t r10 __asm__("r10") = t->tid_address;
        register uint64_t r8 __asm__("r8") = t->tls;
        register const struct process_thread *r12 __asm__("r12") = t;
        long ret;

        __asm__ volatile("syscall\n"
                         "test %%rax, %%rax\n"
                         "jnz 1f\n" GO_ON "1:\n"
                         : "=a"(ret)
                         : "a"(SYS_clone), "D"(flags), "S"(t), "d"(t->tid_address), "r"(r10), "r"(r8), "r"(r12), OFFSETS
                         : "rcx", "r11", "memory");
        check(ret, FAILED_THREADS);
}

static _Noreturn void go_on(const struct process_thread *t)
{
        register const struct process_thread *r12 __asm__("r12") = t;

        *(uint32_t *)t->tid_address = (uint32_t)call(SYS_set_tid_address, t->tid_address, 0, 0, 0);
        call(SYS_arch_prctl, ARCH_SET_FS, t->tls, 0, 0);
        __asm__ volatile(GO_ON : : "r"(r12), OFFSETS : "memory");
        __builtin_unreachable();
}

/* One that comes must not meet a thread that has not begun, and blocks none yet. */
static void block_signals(void)
{
        static const uint64_t all = ~0ULL;

        check(call(SYS_rt_sigprocmask, SIG_BLOCK, (uint64_t)&all, 0, SIGNALS_SIZE), FAILED_SIGNALS);
}

static void set_signals(const struct process_head *h)
{
        const struct process_signal *s = table(h, &h->signals);

        for (uint32_t i = 0; i < h->signals.count; i++)
                check(call(SYS_rt_sigaction, s[i].number, (uint64_t)&s[i], 0, SIGNALS_SIZE), FAILED_SIGNALS);
}

static unsigned char stack[STACK] __attribute__((aligned(16), used));

__attribute__((used)) static _Noreturn void thaw(const uint64_t *arguments)
{
        const struct process_head *h = open_head();
        const struct process_thread *t = table(h, &h->threads);

        move_vdso(h, arguments);
        map_all(h);
        set_signals(h);
        call(SYS_prctl, PR_SET_NAME, (uint64_t)h->name, 0, 0);
        call(SYS_close_range, PROCESS_IMAGE_FD, PROCESS_IMAGE_FD + PROCESS_APART_MAX, 0, 0);
        filter_calls();
        block_signals();
        for (uint32_t i = 1; i < h->threads.count; i++)
                start(&t[i]);
        go_on(t);
}

__asm__(".globl _start\n"
        "_start:\n"
        "        xor %ebp, %ebp\n"
        "        mov %rsp, %rdi\n"
        "        lea stack+16384(%rip), %rsp\n"
        "        call thaw\n");
