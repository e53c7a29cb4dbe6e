/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/shim.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/process.h"

enum { FIXED = 6 }; /* descriptors before those of the clients */

static int64_t read_clock(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t shim_now(void)
{
        return read_clock(CLOCK_MONOTONIC);
}

int64_t shim_time(void)
{
        return read_clock(CLOCK_REALTIME);
}

/* ---- time ---- */

static const int64_t breath = 100000000;

void shim_hold_breath(struct shim *s)
{
        s->breathe_at = shim_now() + breath;
}

/* Milliseconds to the next of them, -1 for none. */
static int time_left(const struct shim *s)
{
        const int64_t times[] = { s->kill_at,      s->start_at,  s->probe_at,    s->probe_ends,
                                  s->cleaner_ends, s->shrink_at, s->readers_end, s->breathe_at };
        int64_t next = 0, left;

        for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
                if (times[i] && (!next || times[i] < next))
                        next = times[i];
        }
        if (!next)
                return -1;
        left = (next - shim_now() + 999999) / 1000000;
        return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static bool is_due(int64_t time, int64_t now)
{
        return time && time <= now;
}

static void do_what_is_due(struct shim *s)
{
        int64_t now = shim_now();

        if (is_due(s->kill_at, now))
                shim_kill(s);
        if (is_due(s->start_at, now))
                shim_start_again(s);
        if (is_due(s->probe_at, now))
                health_probe(s);
        if (is_due(s->probe_ends, now))
                health_expire(s);
        if (is_due(s->shrink_at, now))
                shim_shrink(s);
        if (is_due(s->readers_end, now))
                shim_expire_readers(s);
        if (is_due(s->cleaner_ends, now))
                shim_expire_cleaner(s);
        if (is_due(s->breathe_at, now))
                s->breathe_at = 0;
}

/* ---- signals ---- */

static void reap(struct shim *s)
{
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
                if (pid == s->pid)
                        shim_handle_exit(s, process_exit_status(status));
                else if (pid == s->probe.pid)
                        health_result(s, process_exit_status(status));
                else if (pid == s->cleaner)
                        shim_farewell(s);
        }
}

static void handle_signals(struct shim *s)
{
        struct signalfd_siginfo info;
        struct error ignored;

        while (read(s->signals, &info, sizeof info) == sizeof info) {
                if (info.ssi_signo == SIGCHLD)
                        reap(s);
                else if (info.ssi_signo == SIGTERM)
                        shim_stop_program(s, s->job.stop_timeout, false, &ignored);
        }
}

/* ---- the loop ---- */

static size_t fill(const struct shim *s, struct pollfd *p)
{
        bool room = s->phase != SHIM_ENDING && !s->breathe_at && shim_has_room(s);

        p[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
        p[1] = (struct pollfd){ .fd = room ? s->listener : -1, .events = POLLIN };
        p[2] = (struct pollfd){ .fd = input_poll(s), .events = POLLOUT };
        p[3] = (struct pollfd){ .fd = s->probe.out, .events = POLLIN };
        output_poll(s, p + 4);
        for (size_t i = 0; i < s->n_clients; i++)
                p[FIXED + i] = client_poll(s, s->clients[i]);
        return FIXED + s->n_clients;
}

static void step(struct shim *s)
{
        struct pollfd p[FIXED + SHIM_MAX_CLIENTS];
        size_t n = fill(s, p);

        if (poll(p, n, time_left(s)) < 0) {
                if (errno != EINTR)
                        nanosleep(&(struct timespec){ .tv_nsec = breath }, NULL);
                return;
        }
        for (size_t i = FIXED; i < n; i++) {
                if (p[i].revents)
                        client_step(s, s->clients[i - FIXED], p[i].revents);
        }
        output_step(s, p + 4);
        if (p[2].revents)
                input_step(s);
        if (p[3].revents)
                health_read(s);
        if (p[0].revents)
                handle_signals(s);
        if (p[1].revents)
                shim_accept(s);
        do_what_is_due(s);
        shim_drop_clients(s);
        shim_go_on(s);
}

int shim_serve(struct shim *s, int connection)
{
        struct client *c = shim_add_client(s, connection);

        if (!c)
                return 1;
        c->starts = c->in.may_start = true;
        while (s->phase != SHIM_GONE)
                step(s);
        return 0;
}
