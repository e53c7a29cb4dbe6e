/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/process.h"

/* What is looked at while it works costs a few milliseconds of a processor. */
enum { TICK_MS = 500, NOT_FOUND = 127 };

uint64_t compare_now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int compare_child_pipes(struct compare_child *c, int theirs[3], struct error *err)
{
        int *const ours[3] = { &c->in, &c->out, &c->err };

        for (int i = 0; i < 3; i++) {
                int pair[2];

                if (pipe2(pair, O_CLOEXEC) < 0) {
                        while (i-- > 0)
                                close(theirs[i]);
                        return error_errno(err, errno, "make a pipe");
                }
                theirs[i] = pair[i == 0 ? 0 : 1];
                *ours[i] = pair[i == 0 ? 1 : 0];
        }
        return 0;
}

int compare_child_become(const int theirs[3])
{
        process_reset_signals();
        for (int i = 0; i < 3; i++)
                if (dup2(theirs[i], i) < 0)
                        return -errno;
        return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
}

int compare_child_start(struct compare_child *c, char *const argv[], struct error *err)
{
        int theirs[3], r = compare_child_pipes(c, theirs, err);

        if (r < 0)
                return r;
        c->born = compare_now();
        c->pid = process_clone(&(struct clone_options){ .cgroup_fd = -1 });
        if (c->pid == 0) {
                setsid();
                if (compare_child_become(theirs) == 0 && (!c->pool || setenv("HOLT_VM_POOL", c->pool, 1) == 0))
                        execv(argv[0], argv);
                _exit(NOT_FOUND);
        }
        for (int i = 0; i < 3; i++)
                close(theirs[i]);
        if (c->pid > 0)
                return 0;
        r = error_errno(err, -c->pid, "start %s", argv[0]);
        c->pid = 0;
        return r;
}

/* ---- what it says ---- */

/* Keeps the last of it. */
static void take_error(struct compare_child *c)
{
        char data[COMPARE_TAIL];
        ssize_t n = read(c->err, data, sizeof data);
        size_t len, keep;

        if (n <= 0) {
                close(take_fd(&c->err));
                return;
        }
        len = (size_t)n;
        keep = c->tail_len < COMPARE_TAIL - len ? c->tail_len : COMPARE_TAIL - len;
        memmove(c->tail, c->tail + c->tail_len - keep, keep);
        memcpy(c->tail + keep, data, len);
        c->tail_len = keep + len;
        c->tail[c->tail_len] = '\0';
}

/* 1: a line is complete; 0: not yet; -EPIPE. It says two lines in all: bytes one by one cost nothing. */
static int take_output(struct compare_child *c)
{
        char byte;
        ssize_t n = read(c->out, &byte, 1);

        if (n <= 0)
                return -EPIPE;
        if (byte == '\n') {
                c->line[c->len] = '\0';
                c->len = 0;
                return 1;
        }
        if (c->len + 1 < sizeof c->line)
                c->line[c->len++] = byte;
        return 0;
}

/* *ret_ready: whether `out` is; 0: nothing is, time has passed. */
static int wait_for_any(struct compare_child *c, int out, bool *ret_ready, struct error *err)
{
        struct pollfd fds[3] = { { .fd = out, .events = POLLIN },
                                 { .fd = c->err, .events = POLLIN },
                                 { .fd = c->signals, .events = POLLIN } };
        int n = poll(fds, 3, TICK_MS);

        if (n < 0 && errno != EINTR)
                return error_errno(err, errno, "wait for the work");
        if (n > 0 && fds[2].revents)
                return error_set(err, ECANCELED, "interrupted");
        if (n > 0 && fds[1].revents)
                take_error(c);
        *ret_ready = n > 0 && fds[0].revents;
        return n;
}

int compare_child_wait_for(struct compare_child *c, const char *word, compare_tick *tick, void *userdata,
                           char ret[COMPARE_LINE], uint64_t *ret_when, struct error *err)
{
        size_t len = strlen(word);

        for (;;) {
                bool ready;
                int r = wait_for_any(c, c->out, &ready, err);

                if (r < 0)
                        return r;
                if (r == 0 && tick)
                        tick(userdata);
                r = ready ? take_output(c) : 0;
                if (r < 0)
                        return error_set(err, EPIPE, "it ended too early");
                if (r == 0 || strncmp(c->line, word, len) != 0)
                        continue;
                *ret_when = compare_now();
                memcpy(ret, c->line + len, strlen(c->line + len) + 1);
                return 0;
        }
}

/* ---- its end ---- */

static uint64_t ns_of(const struct rusage *u)
{
        return ((uint64_t)u->ru_utime.tv_sec + (uint64_t)u->ru_stime.tv_sec) * 1000000000 +
               ((uint64_t)u->ru_utime.tv_usec + (uint64_t)u->ru_stime.tv_usec) * 1000;
}

int compare_child_end(struct compare_child *c, uint64_t *ret_cpu, struct error *err)
{
        own_fd int pidfd = process_open(c->pid);
        struct rusage usage;
        int status;
        bool ended = false;

        if (pidfd < 0)
                return error_errno(err, -pidfd, "wait for the end of the work");
        if (c->in >= 0)
                close(take_fd(&c->in));
        while (!ended) {
                int r = wait_for_any(c, pidfd, &ended, err);

                if (r < 0)
                        return r;
        }
        if (wait4(c->pid, &status, 0, &usage) < 0)
                return error_errno(err, errno, "wait for the end of the work");
        c->pid = 0;
        *ret_cpu = ns_of(&usage);
        return process_exit_status(status);
}

void compare_child_kill(struct compare_child *c)
{
        int *const fds[] = { &c->in, &c->out, &c->err };

        if (c->pid > 0) {
                kill(-c->pid, SIGKILL);
                kill(c->pid, SIGKILL);
                process_wait(c->pid);
                c->pid = 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                if (*fds[i] >= 0)
                        close(take_fd(fds[i]));
}

const char *compare_child_last_words(struct compare_child *c)
{
        char *end = c->tail + c->tail_len, *start;

        /* What has not been read yet. */
        while (c->err >= 0) {
                struct pollfd p = { .fd = c->err, .events = POLLIN };

                if (poll(&p, 1, 0) <= 0)
                        break;
                take_error(c);
                end = c->tail + c->tail_len;
        }
        while (end > c->tail && (end[-1] == '\n' || end[-1] == ' '))
                *--end = '\0';
        start = memrchr(c->tail, '\n', (size_t)(end - c->tail));
        return start ? start + 1 : c->tail;
}
