/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "process_image/making.h"

/* What the kernel has in RAX of a call that it would begin anew (include/linux/errno.h). */
enum { ERESTARTSYS = 512, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK = 516 };

enum { SYSCALL_LENGTH = 2, THREAD_AREA = 4096, KERNEL_MASK = 8, STRICT_STACK_SEGMENT = 6 };

/* ---- standing still ---- */

static bool is_known(const struct making *m, pid_t tid)
{
        for (size_t i = 0; i < m->n_threads; i++)
                if (m->threads[i].tid == tid)
                        return true;
        return false;
}

static int stop_thread(struct making *m, pid_t tid, struct error *err)
{
        int status;

        if (m->n_threads == MAKING_THREADS)
                return error_set(err, ENOTSUP, "the process has too many threads");
        if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
                return errno == ESRCH ? 0 : error_errno(err, errno, "trace a thread");
        m->threads[m->n_threads++].tid = tid;
        if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 || waitpid(tid, &status, __WALL) != tid)
                return error_errno(err, errno, "stop a thread");
        return WIFSTOPPED(status) ? 0 : error_set(err, EAGAIN, "a thread has ended");
}

/* The number of threads that stand now and did not before. */
static int stop_more(struct making *m, struct error *err)
{
        int fd = openat(m->proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0, more = 0;
        own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *e;

        if (!d)
                return error_errno(err, errno, "list the threads");
        while (r == 0 && (e = readdir(d))) {
                pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

                if (tid <= 0 || is_known(m, tid))
                        continue;
                r = stop_thread(m, tid, err);
                more++;
        }
        return r < 0 ? r : more;
}

int making_stop(struct making *m, struct error *err)
{
        int r;

        do
                r = stop_more(m, err);
        while (r > 0);
        return r;
}

void making_release(struct making *m)
{
        for (size_t i = 0; i < m->n_threads; i++)
                ptrace(PTRACE_DETACH, m->threads[i].tid, NULL, NULL);
        m->n_threads = 0;
}

/* ---- what each is about ---- */

static int read_registers(struct making_thread *t, struct process_frame *f, struct error *err)
{
        struct user_regs_struct *r = &t->regs;

        if (ptrace(PTRACE_GETREGS, t->tid, NULL, r) < 0 || ptrace(PTRACE_GETFPREGS, t->tid, NULL, f->fxsave) < 0 ||
            ptrace(PTRACE_GETSIGMASK, t->tid, KERNEL_MASK, &f->mask) < 0)
                return error_errno(err, errno, "read the registers of a thread");
        if ((long long)r->orig_rax < 0)
                return error_set(err, EAGAIN, "a thread is at work");
        /* It is still in holt-thaw, which goes by what its own memory says. */
        if (r->rip < PROCESS_LOWEST)
                return error_set(err, EAGAIN, "a thread has not begun yet");
        return 0;
}

/* As the kernel would have it when it goes on after a signal that nobody handles. */
static void begin_call_anew(struct user_regs_struct *r)
{
        long long result = (long long)r->rax;

        if (result != -ERESTARTSYS && result != -ERESTARTNOINTR && result != -ERESTARTNOHAND &&
            result != -ERESTART_RESTARTBLOCK)
                return;
        r->rax = r->orig_rax;
        r->rip -= SYSCALL_LENGTH;
}

static void write_frame(const struct user_regs_struct *r, size_t place, struct process_frame *f)
{
        f->flags = STRICT_STACK_SEGMENT;
        f->stack_flags = 2; /* SS_DISABLE */
        f->r8 = r->r8;
        f->r9 = r->r9;
        f->r10 = r->r10;
        f->r11 = r->r11;
        f->r12 = r->r12;
        f->r13 = r->r13;
        f->r14 = r->r14;
        f->r15 = r->r15;
        f->rdi = r->rdi;
        f->rsi = r->rsi;
        f->rbp = r->rbp;
        f->rbx = r->rbx;
        f->rdx = r->rdx;
        f->rax = r->rax;
        f->rcx = r->rcx;
        f->rsp = r->rsp;
        f->rip = r->rip;
        f->eflags = r->eflags;
        f->cs = (uint16_t)r->cs;
        f->ss = (uint16_t)r->ss;
        f->floats = PROCESS_HEAD_AT + place + offsetof(struct process_frame, fxsave);
}

/* Where the C library has the thread's number, which the kernel is to know: behind what FS points to. */
static int find_number(const struct making *m, const struct making_thread *t, uint64_t *ret, struct error *err)
{
        char name[64];
        own_buf struct buf status = {};
        uint32_t area[THREAD_AREA / sizeof(uint32_t)], number;
        const char *line;
        int r;

        snprintf(name, sizeof(name), "task/%d/status", (int)t->tid);
        r = making_read_text(m, name, &status, err);
        line = r < 0 ? NULL : strstr(buf_str(&status), "\nNSpid:");
        if (!line)
                return r < 0 ? r : error_set(err, ENOTSUP, "a thread has no number");
        line = line + 1 + strcspn(line + 1, "\n");
        while (line[-1] >= '0' && line[-1] <= '9')
                line--;
        number = (uint32_t)strtoul(line, NULL, 10);
        if (pread(m->memory, area, sizeof(area), (off_t)t->regs.fs_base) <= 0)
                return error_errno(err, errno, "read what is a thread's own");
        for (size_t i = 0x200 / sizeof(*area); i < 0x600 / sizeof(*area); i++)
                if (area[i] == number) {
                        *ret = t->regs.fs_base + i * sizeof(*area);
                        return 0;
                }
        return error_set(err, ENOTSUP, "a thread of an unknown C library");
}

static int read_thread(struct making *m, struct making_thread *t, size_t place, struct error *err)
{
        struct process_thread row = {};
        struct __ptrace_rseq_configuration rseq = {};
        size_t length = 0;
        int r = read_registers(t, &row.frame, err);

        if (r == 0)
                r = find_number(m, t, &row.tid_address, err);
        if (r < 0)
                return r;
        if (syscall(SYS_get_robust_list, t->tid, &row.robust_list, &length) < 0)
                return error_errno(err, errno, "read the locks of a thread");
        if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, t->tid, sizeof(rseq), &rseq) == sizeof(rseq)) {
                row.rseq = rseq.rseq_abi_pointer;
                row.rseq_length = rseq.rseq_abi_size;
                row.rseq_signature = rseq.signature;
        }
        row.tls = t->regs.fs_base;
        begin_call_anew(&t->regs);
        write_frame(&t->regs, place, &row.frame);
        buf_add(&m->thread_table, &row, sizeof(row));
        return 0;
}

/* The first table behind the head: where a thread's row will be is known. */
int making_read_threads(struct making *m, struct error *err)
{
        size_t at = (sizeof(struct process_head) + 63) & ~(size_t)63;
        int r = 0;

        for (size_t i = 0; i < m->n_threads && r == 0; i++)
                r = read_thread(m, &m->threads[i], at + i * sizeof(struct process_thread), err);
        return r;
}
#endif
