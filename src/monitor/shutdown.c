/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a guest whose disk is kept: as with a host that is shut down, what programs have written is on the disk
 * afterwards. QEMU's sudden end would be a loss of power.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "base/own.h"
#include "monitor/monitor.h"

/* KILL_MS: for a program that is killed to be gone. END_MS: for what was written to be on the disk. */
enum { KILL_MS = 5000, END_MS = 60000 };

static int64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void shutdown_kill(struct monitor *m)
{
        if (!m->job.keeps || m->is_paused || m->kill_at) {
                monitor_end_qemu(m);
                return;
        }
        m->kill_at = now_ms() + KILL_MS;
        program_signal(m, SIGKILL);
}

int shutdown_patience(const struct monitor *m)
{
        int64_t left = m->kill_at - now_ms();

        return !m->kill_at || m->has_exited ? -1 : left > 0 ? (int)left : 0;
}

void shutdown_check(struct monitor *m)
{
        if (shutdown_patience(m) == 0)
                monitor_end_qemu(m);
}

/* Nothing that it still says is of interest. */
static bool read_away(struct monitor *m)
{
        struct frame f;

        if (protocol_receive(&m->in, m->agent, PROTOCOL_MAX_DATA) <= 0)
                return false;
        while (protocol_next(&m->in, &f) > 0)
                continue;
        return true;
}

void shutdown_wait(struct monitor *m)
{
        int64_t deadline = now_ms() + END_MS;
        bool is_there = m->qemu && m->job.keeps && !m->is_paused;

        if (is_there)
                channel_send(m, PROTOCOL_SHUTDOWN, SESSION_GUEST, NULL, 0);
        while (is_there) {
                struct pollfd p = { .fd = m->agent, .events = (short)(POLLIN | (m->out.len ? POLLOUT : 0)) };
                int64_t left = deadline - now_ms();

                if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
                        return;
                if (p.revents & POLLOUT && channel_flush(m) < 0)
                        return;
                if (p.revents & (POLLIN | POLLHUP | POLLERR))
                        is_there = read_away(m);
        }
}
