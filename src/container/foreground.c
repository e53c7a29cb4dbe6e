/* SPDX-License-Identifier: Apache-2.0 */
#include "container/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/stream.h"
#include "sys/terminal.h"

struct relay {
        int master, signals;
        bool raw;
        struct termios saved;
        struct stream in, out;
};

int foreground_prepare(const struct container_options *o, struct error *err)
{
        sigset_t all;

        if (o->detach)
                return 0;
        sigfillset(&all);
        if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
                return error_errno(err, errno, "block signals");
        if (!o->no_subreaper)
                prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        return 0;
}

/* Signals that the kernel or a shell sends to us alone are not the container's business. */
static bool is_passed_on(int signo)
{
        switch (signo) {
        case SIGCHLD:
        case SIGPIPE:
        case SIGURG:
        case SIGTTIN:
        case SIGTTOU:
        case SIGWINCH:
                return false;
        default:
                return true;
        }
}

static void handle_signal(struct relay *r, int pidfd)
{
        struct signalfd_siginfo info;
        ssize_t n = read(r->signals, &info, sizeof info);

        if (n != sizeof info)
                return;
        if (info.ssi_signo == SIGWINCH && r->master >= 0)
                terminal_copy_size(STDIN_FILENO, r->master);
        if (is_passed_on((int)info.ssi_signo))
                process_signal(pidfd, (int)info.ssi_signo);
}

/* What the program wrote last is still in the terminal when its end is reported. */
static void drain(struct relay *r)
{
        struct pollfd p;

        while (r->master >= 0 && !r->out.done) {
                p = stream_poll(&r->out);
                if (r->out.start == r->out.end && poll(&p, 1, 0) <= 0)
                        return;
                p.revents = POLLIN;
                stream_step(&r->out, &p);
        }
}

/* 1 when it was among them, 0, or -errno: then nobody will tell us how it ended. */
static int reap(pid_t pid, int *ret_exit)
{
        bool ended = false;
        int status;
        pid_t p;

        while ((p = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
                if (p != pid)
                        continue;
                *ret_exit = process_exit_status(status);
                ended = true;
        }
        return p < 0 && !ended ? -errno : ended;
}

static int loop(struct relay *r, pid_t pid, int pidfd, int *ret_exit, struct error *err)
{
        int watched = pidfd, n;

        for (;;) {
                struct pollfd p[4] = { { .fd = watched, .events = POLLIN },
                                       { .fd = r->signals, .events = POLLIN },
                                       stream_poll(&r->in),
                                       stream_poll(&r->out) };

                if (poll(p, ARRAY_SIZE(p), -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        return error_errno(err, errno, "wait for the container");
                }
                stream_step(&r->in, &p[2]);
                stream_step(&r->out, &p[3]);
                if (p[1].revents)
                        handle_signal(r, pidfd);
                n = p[0].revents || p[1].revents ? reap(pid, ret_exit) : 0;
                if (n > 0)
                        return 0;
                /* Dead, but kept by a tracer in the container: when he lets go comes SIGCHLD. */
                if (p[0].revents)
                        watched = -1;
                if (n < 0 && watched < 0)
                        return error_errno(err, -n, "wait for the container");
        }
}

static void relay_begin(struct relay *r)
{
        r->in = (struct stream){ .from = STDIN_FILENO, .to = r->master, .done = r->master < 0 };
        r->out = (struct stream){ .from = r->master, .to = STDOUT_FILENO, .done = r->master < 0 };
        if (r->master < 0)
                return;
        fcntl(r->master, F_SETFL, fcntl(r->master, F_GETFL) | O_NONBLOCK);
        terminal_copy_size(STDIN_FILENO, r->master);
        r->raw = terminal_set_raw(STDIN_FILENO, &r->saved) == 0;
}

int foreground_wait(pid_t pid, int pidfd, int master, int *ret_exit, struct error *err)
{
        struct relay *r = calloc(1, sizeof *r);
        sigset_t all;
        int n;

        if (!r)
                return error_set(err, ENOMEM, "out of memory");
        r->master = master;
        sigfillset(&all);
        r->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
        if (r->signals < 0) {
                free(r);
                return error_errno(err, errno, "watch signals");
        }
        relay_begin(r);
        n = loop(r, pid, pidfd, ret_exit, err);
        drain(r);
        if (r->raw)
                tcsetattr(STDIN_FILENO, TCSANOW, &r->saved);
        close(r->signals);
        free(r);
        return n;
}
