/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors before those of the sessions, and of each session: in, out[0], out[1]. QUIET: ms without anything. */
enum { QUIET = 500, FIXED = 2, EACH = 1 + SESSION_STREAMS };

/* ---- one turn ---- */

static size_t fill(const struct agent *a, struct pollfd *p)
{
        p[0] = (struct pollfd){ .fd = a->is_suspended ? -1 : a->signals, .events = POLLIN };
        p[1] = channel_poll(&a->channel);
        if (a->is_suspended)
                return FIXED;
        for (size_t i = 0; i < a->n_sessions; i++) {
                const struct session *s = a->sessions[i];
                struct pollfd *at = p + FIXED + i * EACH;
                bool reads = s->pid && output_is_wanted(a, s);

                at[0] = (struct pollfd){ .fd = s->input.len ? s->in : -1, .events = POLLOUT };
                for (size_t j = 0; j < SESSION_STREAMS; j++)
                        at[1 + j] = (struct pollfd){ .fd = reads ? s->out[j] : -1, .events = POLLIN };
        }
        return FIXED + a->n_sessions * EACH;
}

static void reap(struct agent *a)
{
        struct signalfd_siginfo info;
        int status;
        pid_t pid;

        while (read(a->signals, &info, sizeof info) == sizeof info)
                continue;
        while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
                session_reap(a, pid, status);
}

static void step_sessions(struct agent *a, const struct pollfd *p)
{
        for (size_t i = 0; i < a->n_sessions; i++, p += EACH) {
                struct session *s = a->sessions[i];

                if (p[0].revents && s->input.len)
                        input_write(a, s);
                for (size_t j = 0; j < SESSION_STREAMS; j++) {
                        if (p[1 + j].revents)
                                output_read(a, s, j);
                }
        }
}

/* What was read is sent, and only then is anything done that takes time. */
static void finish_step(struct agent *a)
{
        session_close_ended(a);
        if (a->channel.out.len)
                channel_flush(&a->channel);
        if (!a->is_unclean)
                return;
        a->is_unclean = false;
        a->workload->clean_up(a->userdata);
}

void agent_settle(struct agent *a)
{
        if (a->is_settled)
                return;
        a->is_settled = true;
        a->workload->settle(a->userdata);
}

static int patience(const struct agent *a)
{
        if (a->has_more && channel_has_room(&a->channel))
                return 0;
        return a->is_settled ? -1 : QUIET;
}

static void step(struct agent *a)
{
        struct pollfd p[FIXED + AGENT_MAX_SESSIONS * EACH];
        size_t n = fill(a, p);
        int ready = poll(p, n, patience(a));

        if (ready < 0)
                return;
        if (ready == 0 && !a->has_more)
                agent_settle(a);
        if (n > FIXED)
                step_sessions(a, p + FIXED);
        if (p[0].revents)
                reap(a);
        if (p[1].revents & POLLOUT)
                channel_flush(&a->channel);
        if (p[1].revents & (POLLIN | POLLHUP | POLLERR))
                channel_receive(&a->channel);
        if (channel_has_room(&a->channel))
                agent_take_frames(a);
        finish_step(a);
}

/* ---- its life ---- */

static int watch_children(struct error *err)
{
        sigset_t set;
        int fd;

        sigfillset(&set);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return error_errno(err, errno, "block signals");
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? error_errno(err, errno, "watch for children") : fd;
}

static int serve(struct agent *a, struct error *err)
{
        unsigned char version[4];

        protocol_put_u32(version, PROTOCOL_VERSION);
        channel_send(&a->channel, 0, PROTOCOL_HELLO, version, sizeof version);
        channel_flush(&a->channel);
        while (!a->is_over && !a->channel.error)
                step(a);
        return a->channel.error ? error_errno(err, -a->channel.error, "the channel to the host") : 0;
}

int agent_serve(int channel, const struct workload *w, void *userdata, struct error *err)
{
        struct agent *a = calloc(1, sizeof *a);
        int r;

        if (!a)
                return error_set(err, ENOMEM, "out of memory");
        a->channel = (struct channel){ .fd = channel, .in.may_start = true };
        a->workload = w;
        a->userdata = userdata;
        r = a->signals = watch_children(err);
        if (r >= 0) {
                r = serve(a, err);
                close(a->signals);
        }
        for (size_t i = 0; i < a->n_sessions; i++)
                session_free(a->sessions[i]);
        channel_finish(&a->channel);
        free(a);
        return r;
}
