/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/exec_relay.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/detach_keys.h"
#include "instance/user_terminal.h"
#include "sys/process.h"
#include "sys/stream.h"
#include "sys/terminal.h"

/* ms for which somebody who takes nothing is waited for, when a signal that was passed on was the process's end. */
enum { READER_TIME = 2000 };

struct relay {
        pid_t pid;
        int pidfd, master;
        struct exec_streams *streams;
        bool interactive;
        struct user_terminal terminal;
        struct detach_keys keys;
        int64_t deadline; /* CLOCK_MONOTONIC, ns; 0 */
        bool detached;
        int passed_on;      /* the signal that the process got from us last; 0 */
        struct stream s[3]; /* standard input, output, error */
        int terminals[2];   /* output and error, where they are one, opened again; -1 */
};

static int64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void begin_streams(struct relay *r)
{
        const int *ours = r->streams->ours;

        r->s[0] = (struct stream){ .from = STDIN_FILENO, .to = r->master >= 0 ? r->master : ours[0] };
        for (int i = STDOUT_FILENO; i <= STDERR_FILENO; i++)
                r->terminals[i - 1] = terminal_open_again(i);
        r->s[1] = (struct stream){ .from = r->master >= 0 ? r->master : ours[1],
                                   .to = r->terminals[0] >= 0 ? r->terminals[0] : STDOUT_FILENO };
        r->s[2] = (struct stream){ .from = ours[2], .to = r->terminals[1] >= 0 ? r->terminals[1] : STDERR_FILENO };
        r->s[0].done = r->s[0].to < 0 || !r->interactive;
        r->s[1].done = r->s[1].from < 0;
        r->s[2].done = r->s[2].from < 0;
        if (r->master >= 0)
                fcntl(r->master, F_SETFL, O_RDWR | O_NONBLOCK);
}

/* The end of our input is the end of the process's, unless that is a terminal. */
static void step_input(struct relay *r, const struct pollfd *p)
{
        struct stream *in = &r->s[0];
        unsigned char typed[STREAM_CHUNK];
        bool reads = in->start == in->end;
        size_t n;

        if (p->fd < 0 || !p->revents)
                return;
        stream_step(in, p);
        if (reads && in->start < in->end && r->master >= 0) {
                static_assert((int)DETACH_KEYS_MAX <= (int)STREAM_SLACK, "what was held back comes on top");
                memcpy(typed, in->data, in->end);
                r->detached = detach_keys_filter(&r->keys, typed, in->end, (unsigned char *)in->data, &n);
                in->end = n;
        }
        if (in->done && r->streams->ours[0] >= 0)
                close(take_fd(&r->streams->ours[0]));
}

static void handle_signal(struct relay *r)
{
        int signo = user_terminal_signal(&r->terminal);

        if (signo == SIGWINCH && r->master >= 0)
                terminal_copy_size(STDIN_FILENO, r->master);
        else if (signo && signo != SIGWINCH && r->master >= 0)
                user_terminal_die(&r->terminal, signo);
        else if (signo && signo != SIGWINCH)
                r->passed_on = process_signal(r->pidfd, signo) == 0 ? signo : 0;
}

static int timeout_of(const struct relay *r)
{
        int64_t left = r->deadline - now();

        if (!r->deadline)
                return -1;
        return left <= 0 ? 0 : (int)(left / 1000000) + 1;
}

/* 1 when the process has ended. */
static int wait_once(struct relay *r, struct error *err)
{
        struct pollfd p[] = { { .fd = r->pidfd, .events = POLLIN },
                              { .fd = r->terminal.signals, .events = POLLIN },
                              stream_poll(&r->s[0]),
                              stream_poll(&r->s[1]),
                              stream_poll(&r->s[2]) };
        int n = poll(p, ARRAY_SIZE(p), timeout_of(r));

        if (n < 0)
                return errno == EINTR ? 0 : error_errno(err, errno, "wait for the process");
        if (n == 0 && r->deadline && now() >= r->deadline) {
                process_signal(r->pidfd, SIGKILL);
                process_wait(r->pid);
                return error_set(err, ETIMEDOUT, "it took too long, and was killed");
        }
        step_input(r, &p[2]);
        stream_step(&r->s[1], &p[3]);
        stream_step(&r->s[2], &p[4]);
        if (r->detached)
                return error_set(err, ECANCELED, "read escape sequence");
        if (p[1].revents)
                handle_signal(r);
        return p[0].revents != 0;
}

/* What it wrote last. Who does not take it is waited for until a signal comes, which is ours now. */
static void drain(struct relay *r, struct stream *s)
{
        while (!s->done) {
                struct pollfd p[] = { stream_poll(s), { .fd = r->terminal.signals, .events = POLLIN } };
                bool waits = s->start < s->end;
                int n = poll(p, ARRAY_SIZE(p), !waits ? 0 : r->passed_on ? READER_TIME : -1), signo;

                if (n == 0 && waits)
                        user_terminal_die(&r->terminal, r->passed_on);
                if (n == 0 || (n < 0 && errno != EINTR))
                        return;
                if (n < 0)
                        continue;
                stream_step(s, &p[0]);
                signo = p[1].revents ? user_terminal_signal(&r->terminal) : 0;
                if (signo && signo != SIGWINCH)
                        user_terminal_die(&r->terminal, signo);
                if (!p[0].revents && s->start == s->end)
                        return;
        }
}

static int relay(struct relay *r, int *ret_exit, struct error *err)
{
        int n;

        begin_streams(r);
        do
                n = wait_once(r, err);
        while (n == 0);
        if (n < 0)
                return n;
        n = process_wait(r->pid);
        drain(r, &r->s[1]);
        drain(r, &r->s[2]);
        for (size_t i = 0; i < ARRAY_SIZE(r->terminals); i++)
                if (r->terminals[i] >= 0)
                        close(r->terminals[i]);
        if (n < 0)
                return error_errno(err, -n, "wait for the process");
        *ret_exit = n;
        return 0;
}

int exec_relay(pid_t pid, int pidfd, int master, struct exec_streams *s, const struct exec_request *x, int *ret_exit,
               struct error *err)
{
        own_mem struct relay *r = calloc(1, sizeof *r);
        int n;

        if (!r)
                return error_set(err, ENOMEM, "out of memory");
        r->pid = pid;
        r->pidfd = pidfd;
        r->master = master;
        r->streams = s;
        r->interactive = x->interactive;
        r->deadline = x->timeout ? now() + x->timeout : 0;
        n = detach_keys_parse(x->detach_keys, &r->keys, err);
        if (n == 0)
                n = user_terminal_open(&r->terminal, x->tty && x->interactive, !x->tty, err);
        if (n < 0)
                return n;
        n = relay(r, ret_exit, err);
        user_terminal_close(&r->terminal);
        return n;
}
