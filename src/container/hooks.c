/* SPDX-License-Identifier: Apache-2.0 */
#include "container/hooks.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/process.h"

/* In seconds: nobody lives to see the end of a longer one, and in milliseconds it still fits. */
static const int64_t MAX_TIMEOUT = INT64_C(1) << 40;

static int64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void exec_hook(const struct spec_hook *h, const char *cwd, int in, int out) __attribute__((noreturn));

static void exec_hook(const struct spec_hook *h, const char *cwd, int in, int out)
{
        const char *fallback[] = { h->path, NULL };

        /* A bundle may be gone when its container is deleted. */
        if (cwd && chdir(cwd) < 0 && errno != ENOENT)
                _exit(126);
        process_reset_signals();
        setpgid(0, 0);
        if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
                _exit(126);
        fd_cloexec_from(3);
        execve(h->path, (char *const *)(h->args.n ? h->args.v : fallback),
               h->env.n ? (char *const *)h->env.v : environ);
        _exit(errno == ENOENT ? 127 : 126);
}

/* The last bytes of what a hook printed: enough for an error message. */
struct tail {
        char text[200];
        size_t len;
};

static void tail_add(struct tail *t, const char *data, size_t n)
{
        if (n >= sizeof t->text) {
                data += n - (sizeof t->text - 1);
                n = sizeof t->text - 1;
        }
        if (t->len + n >= sizeof t->text) {
                size_t drop = t->len + n - (sizeof t->text - 1);

                memmove(t->text, t->text + drop, t->len - drop);
                t->len -= drop;
        }
        memcpy(t->text + t->len, data, n);
        t->len += n;
}

/* Writes what fits of *rest and moves it on; closes *in behind the last, or when the hook wants no more. */
static void feed_hook(int *in, const char **rest)
{
        ssize_t n = send(*in, *rest, strlen(*rest), MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
                *rest += n;
        if (!**rest || (n < 0 && errno != EAGAIN && errno != EINTR))
                close(take_fd(in));
}

/*
 * Writes the rest of the state and reads the hook's output until the process is gone (its pidfd becomes readable:
 * somebody it left behind may hold the pipe open). -ETIMEDOUT when the deadline (ms, -1: none) passes.
 */
static int watch_hook(int pidfd, int *in, const char *rest, int out, int64_t deadline, struct tail *tail)
{
        struct pollfd p[3] = { { .fd = out, .events = POLLIN },
                               { .fd = pidfd, .events = POLLIN },
                               { .fd = *in, .events = POLLOUT } };
        char chunk[512];

        for (;;) {
                int64_t left = deadline < 0 ? -1 : deadline - now_ms();
                ssize_t n;

                if (deadline >= 0 && left <= 0)
                        return -ETIMEDOUT;
                if (poll(p, ARRAY_SIZE(p), left > 60000 ? 60000 : (int)left) < 0 && errno != EINTR)
                        return -errno;
                if (p[2].revents) {
                        feed_hook(in, &rest);
                        p[2].fd = *in;
                        p[2].revents = 0;
                }
                if (p[0].revents) {
                        n = read(out, chunk, sizeof chunk);
                        if (n > 0) {
                                tail_add(tail, chunk, (size_t)n);
                                continue;
                        }
                        p[0].fd = -1;
                        p[0].revents = 0;
                }
                if (p[1].revents)
                        return 0;
        }
}

/* " (bad system call)" for an exit status that stands for a signal, as a shell counts; or nothing. */
static void signal_note(int status, char *note, size_t size)
{
        const char *text = status > 128 && status < 128 + NSIG ? strsignal(status - 128) : NULL;

        *note = '\0';
        if (text)
                snprintf(note, size, " (%c%s)", tolower((unsigned char)*text), text + 1);
}

static int hook_failed(const struct spec_hook *h, int status, struct tail *tail, struct error *err)
{
        char note[64];

        while (tail->len && strchr(" \n\t", tail->text[tail->len - 1]))
                tail->len--;
        tail->text[tail->len] = '\0';
        for (char *p = tail->text; *p; p++) {
                if (*p == '\n')
                        *p = ' ';
        }
        if (status == 127 && !tail->len)
                return error_set(err, ENOENT, "%s: no such file or directory", h->path);
        signal_note(status, note, sizeof note);
        return error_set(err, ECANCELED, "%s failed with exit status %d%s%s%s", h->path, status, note,
                         tail->len ? ": " : "", tail->text);
}

static int run_hook(const struct spec_hook *h, const char *cwd, const char *state, struct error *err)
{
        int64_t deadline = h->timeout.set && h->timeout.v < MAX_TIMEOUT ? now_ms() + h->timeout.v * 1000 : -1;
        own_fd int in_read = -1, in_write = -1, out_read = -1, out_write = -1, pidfd = -1;
        struct clone_options o = { .cgroup_fd = -1, .ret_pidfd = &pidfd };
        struct tail tail = {};
        int in[2], out[2], r, status;
        pid_t pid;

        /* A socket, not a pipe: nobody gets SIGPIPE when the hook does not read. */
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0)
                return error_errno(err, errno, "%s", h->path);
        in_read = in[0], in_write = in[1];
        if (pipe2(out, O_CLOEXEC) < 0)
                return error_errno(err, errno, "%s", h->path);
        out_read = out[0], out_write = out[1];
        /* Nearly always all of it. */
        feed_hook(&in_write, &state);
        pid = process_clone(&o);
        if (pid == 0)
                exec_hook(h, cwd, in_read, out_write);
        if (pid < 0)
                return error_errno(err, -pid, "%s: fork", h->path);
        close(take_fd(&in_read));
        close(take_fd(&out_write));
        r = watch_hook(pidfd, &in_write, state, out_read, deadline, &tail);
        if (r < 0) {
                kill(-pid, SIGKILL);
                process_signal(pidfd, SIGKILL);
        }
        status = process_wait(pid);
        if (r == -ETIMEDOUT)
                return error_set(err, ETIMEDOUT, "%s: killed after its timeout of %lld s", h->path,
                                 (long long)h->timeout.v);
        if (r < 0)
                return error_errno(err, -r, "%s", h->path);
        return status ? hook_failed(h, status, &tail, err) : 0;
}

int hook_run(const struct spec_hook_list *hooks, size_t i, const char *kind, const char *cwd, const char *state,
             struct error *err)
{
        int r = run_hook(&hooks->v[i], cwd, state, err);

        /* The words are runc's: they are what people search for. */
        return r < 0 ? error_wrap(err, "error running %s hook #%zu", kind, i) : 0;
}

int hooks_run(const struct spec_hook_list *hooks, const char *kind, const char *cwd, const char *state,
              struct error *err)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < hooks->n; i++)
                r = hook_run(hooks, i, kind, cwd, state, err);
        return r;
}
