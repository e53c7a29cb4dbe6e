/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets the system calls of a command and of what it forks fail, one at a time:
 *
 *   fault -t FILE COMMAND...                     writes a line "PROCESS CALL NAME" for each of them
 *   fault -p PROCESS -n CALL -e ERROR COMMAND... that call fails with the error's number and does nothing; -t: its line
 *   fault -p PROCESS -n CALL -k COMMAND...       the process is killed instead (kill -9)
 *   fault ... -a PID                             a process that runs already, not a command; says so on its output
 *
 * Processes are counted from 0 (the command) in the order of their births, calls from 1 in each process. A process that
 * is not the first is left alone once it executes: what it was to become is no subject of this. strace(1) can inject
 * errors too, but starts its count anew in each process: what the first process of a container calls for the Nth time
 * could not fail, as the same call of the runtime fails before.
 *
 * Exits as the command does; 124 after ten seconds, 139 if one of the processes crashed; with -a 0.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof *(a))

enum { MAX_PROCESSES = 64, SECONDS = 10 };

static const char *const call_names[] = {
#include "fault_names.h"
};

/* They cannot fail, or not without having done what they are for, or their answer is no error number (brk). */
static const int never_fail[] = {
        SYS_arch_prctl,      SYS_brk,     SYS_clock_gettime, SYS_close,           SYS_exit,         SYS_exit_group,
        SYS_getegid,         SYS_geteuid, SYS_getgid,        SYS_getpid,          SYS_getuid,       SYS_gettid,
        SYS_mprotect,        SYS_munmap,  SYS_rseq,          SYS_restart_syscall, SYS_rt_sigreturn, SYS_set_robust_list,
        SYS_set_tid_address, SYS_umask,   SYS_rt_sigaction,  SYS_rt_sigprocmask,
};

struct process {
        pid_t pid;
        int index, calls;
        bool faked;
};

struct fault {
        FILE *trace;
        int process, call, error;
        bool kills, attached, begun;
        struct process list[MAX_PROCESSES];
        int n, born;
};

static pid_t first;

static void out_of_time(int signo)
{
        static const char text[] = "fault: out of time\n";

        (void)!write(STDERR_FILENO, text, sizeof text - 1);
        kill(first, SIGKILL);
        _exit(124);
}

static struct process *find(struct fault *f, pid_t pid)
{
        for (int i = 0; i < f->n; i++) {
                if (f->list[i].pid == pid)
                        return &f->list[i];
        }
        if (f->n == MAX_PROCESSES)
                errx(125, "too many processes");
        f->list[f->n] = (struct process){ .pid = pid, .index = f->born++ };
        return &f->list[f->n++];
}

static void forget(struct fault *f, struct process *p)
{
        *p = f->list[--f->n];
}

static bool is_counted(long nr)
{
        for (size_t i = 0; i < ARRAY_SIZE(never_fail); i++) {
                if (never_fail[i] == nr)
                        return false;
        }
        return true;
}

static const char *name_of(unsigned long nr)
{
        return nr < ARRAY_SIZE(call_names) && call_names[nr] ? call_names[nr] : "unknown";
}

static void set_register(pid_t pid, size_t offset, long value)
{
        ptrace(PTRACE_POKEUSER, pid, offset, value);
}

static void on_entry(struct fault *f, struct process *p, long nr)
{
        bool hit;

        if (!f->begun || !is_counted(nr))
                return;
        p->calls++;
        hit = p->index == f->process && p->calls == f->call;
        if (f->trace && (hit || f->process < 0)) {
                fprintf(f->trace, "%d %d %s\n", p->index, p->calls, name_of((unsigned long)nr));
                fflush(f->trace);
        }
        if (hit && f->kills) {
                kill(p->pid, SIGKILL);
        } else if (hit) {
                set_register(p->pid, offsetof(struct user, regs.orig_rax), -1);
                p->faked = true;
        }
}

static void on_call(struct fault *f, struct process *p)
{
        struct __ptrace_syscall_info info;

        if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof info, &info) <= 0)
                return;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                on_entry(f, p, (long)info.entry.nr);
        } else if (p->faked) {
                set_register(p->pid, offsetof(struct user, regs.rax), -f->error);
                p->faked = false;
        }
}

/* Lets it go on after a stop; `f` forgets it if it is of no interest any more. */
static void on_stop(struct fault *f, struct process *p, int status)
{
        int signo = WSTOPSIG(status), event = status >> 16, deliver = 0;
        unsigned long child;

        if (signo == (SIGTRAP | 0x80)) {
                on_call(f, p);
        } else if (event == PTRACE_EVENT_EXEC) {
                if (p->index > 0 || f->attached) {
                        ptrace(PTRACE_DETACH, p->pid, 0, 0);
                        forget(f, p);
                        return;
                }
                f->begun = true;
        } else if (event == PTRACE_EVENT_STOP) {
                if (signo != SIGTRAP) {
                        ptrace(PTRACE_LISTEN, p->pid, 0, 0);
                        return;
                }
        } else if (event) {
                if (ptrace(PTRACE_GETEVENTMSG, p->pid, 0, &child) == 0)
                        find(f, (pid_t)child);
        } else {
                deliver = signo;
        }
        ptrace(PTRACE_SYSCALL, p->pid, 0, deliver);
}

static bool is_crash(int status)
{
        return WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGABRT ||
                                       WTERMSIG(status) == SIGBUS || WTERMSIG(status) == SIGILL);
}

/* Until the first process is gone. */
static int follow(struct fault *f)
{
        bool crashed = false;
        int status = 0;

        for (;;) {
                pid_t pid = waitpid(-1, &status, __WALL);
                struct process *p = pid < 0 ? NULL : find(f, pid);

                if (!p)
                        break;
                if (WIFSTOPPED(status)) {
                        on_stop(f, p, status);
                } else {
                        crashed |= is_crash(status);
                        forget(f, p);
                        if (pid == first)
                                break;
                }
                if (f->attached && !f->n)
                        return 0;
        }
        if (crashed)
                return 139;
        if (f->attached)
                return 0;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void seize(pid_t pid)
{
        const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                             PTRACE_O_TRACECLONE;

        if (ptrace(PTRACE_SEIZE, pid, 0, options) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
                err(125, "trace %d", (int)pid);
}

/* Waits to be seized, then becomes the command; its own execve is not counted. */
static pid_t spawn(char **command, int gate[2])
{
        pid_t pid = fork();
        char go;

        if (pid < 0)
                err(125, "fork");
        if (pid > 0)
                return pid;
        close(gate[1]);
        (void)!read(gate[0], &go, 1);
        close(gate[0]);
        execv(command[0], command);
        err(127, "%s", command[0]);
}

static bool read_options(struct fault *f, int argc, char **argv)
{
        int opt;

        while ((opt = getopt(argc, argv, "+t:p:n:e:ka:")) > 0) {
                switch (opt) {
                case 't':
                        f->trace = fopen(optarg, "we");
                        break;
                case 'p':
                        f->process = atoi(optarg);
                        break;
                case 'n':
                        f->call = atoi(optarg);
                        break;
                case 'e':
                        f->error = atoi(optarg);
                        break;
                case 'k':
                        f->kills = true;
                        break;
                case 'a':
                        first = atoi(optarg);
                        f->attached = f->begun = true;
                        break;
                default:
                        return false;
                }
        }
        return f->attached || optind < argc;
}

int main(int argc, char **argv)
{
        struct fault f = { .process = -1 };
        int gate[2];

        if (!read_options(&f, argc, argv)) {
                fputs("usage: fault [-t FILE] [-p PROCESS -n CALL {-e ERROR | -k}] {-a PID | COMMAND...}\n", stderr);
                return 125;
        }
        if (pipe2(gate, O_CLOEXEC) < 0)
                err(125, "pipe");
        if (!f.attached)
                first = spawn(argv + optind, gate);
        find(&f, first);
        seize(first);
        close(gate[0]);
        close(gate[1]);
        if (f.attached) {
                puts("attached");
                fflush(stdout);
        }
        signal(SIGALRM, out_of_time);
        alarm(SECONDS);
        return follow(&f);
}
