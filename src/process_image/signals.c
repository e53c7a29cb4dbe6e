/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "process_image/making.h"

enum { RED_ZONE = 128, SIGNALS = 64, MASK_SIZE = 8, CALL_LENGTH = 2 };

/* As the kernel gives it. */
struct action {
        uint64_t handler, flags, restorer, mask;
};

/* The thread stands behind a system call: it makes another there, and stands again. */
static int have_it_ask(const struct making *m, int number, uint64_t to, struct error *err)
{
        const struct making_thread *t = &m->threads[0];
        struct user_regs_struct r = t->regs;
        int status;

        r.rax = SYS_rt_sigaction;
        r.orig_rax = (unsigned long long)-1;
        r.rdi = (unsigned long long)number;
        r.rsi = 0;
        r.rdx = to;
        r.r10 = MASK_SIZE;
        if (ptrace(PTRACE_SETREGS, t->tid, NULL, &r) < 0 || ptrace(PTRACE_SINGLESTEP, t->tid, NULL, NULL) < 0 ||
            waitpid(t->tid, &status, __WALL) != t->tid || !WIFSTOPPED(status) ||
            ptrace(PTRACE_GETREGS, t->tid, NULL, &r) < 0)
                return error_errno(err, errno, "ask a thread for its signals");
        return r.rax ? error_set(err, ENOTSUP, "a thread does not tell its signals") : 0;
}

static int read_signal(struct making *m, int number, struct error *err)
{
        uint64_t to = (m->threads[0].regs.rsp - RED_ZONE - sizeof(struct action)) & ~15ULL;
        struct process_signal row = { .number = (uint32_t)number };
        struct action a;
        int r = have_it_ask(m, number, to, err);

        if (r < 0)
                return r;
        if (pread(m->memory, &a, sizeof(a), (off_t)to) != sizeof(a))
                return error_errno(err, errno, "read a signal of the process");
        row.handler = a.handler;
        row.flags = a.flags;
        row.restorer = a.restorer;
        row.mask = a.mask;
        buf_add(&m->signals, &row, sizeof(row));
        return 0;
}

static int read_mask(const struct making *m, const char *word, uint64_t *ret, struct error *err)
{
        own_buf struct buf status = {};
        int r = making_read_text(m, "status", &status, err);
        const char *at = r < 0 ? NULL : strstr(buf_str(&status), word);

        if (!at)
                return r < 0 ? r : error_set(err, ENOTSUP, "the process has no signals");
        *ret = strtoull(at + strlen(word), NULL, 16);
        return 0;
}

int making_read_signals(struct making *m, struct error *err)
{
        const struct making_thread *t = &m->threads[0];
        struct user_regs_struct before;
        uint64_t caught = 0, ignored = 0;
        unsigned short code = 0;
        int r = read_mask(m, "\nSigCgt:", &caught, err);

        if (r == 0)
                r = read_mask(m, "\nSigIgn:", &ignored, err);
        if (r < 0)
                return r;
        if (pread(m->memory, &code, sizeof(code), (off_t)t->regs.rip) != sizeof(code) || code != 0x050f)
                return error_set(err, EAGAIN, "the first thread is in no call that begins anew");
        if (ptrace(PTRACE_GETREGS, t->tid, NULL, &before) < 0)
                return error_errno(err, errno, "read the registers of a thread");
        for (int i = 1; i <= SIGNALS && r == 0; i++)
                if ((caught | ignored) & 1ULL << (i - 1))
                        r = read_signal(m, i, err);
        /* With what it had before: the kernel begins its call anew. */
        if (ptrace(PTRACE_SETREGS, t->tid, NULL, &before) < 0 && r == 0)
                r = error_errno(err, errno, "set the registers of a thread");
        return r;
}
#endif
