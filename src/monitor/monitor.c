/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_record.h"

enum { P_AGENT, P_CONSOLE, P_SIGNALS, P_LISTENER, P_QMP, P_PROGRAM, P_CLIENTS = P_PROGRAM + 3 };

static void handle_signals(struct monitor *m)
{
        struct signalfd_siginfo info;

        while (read(m->signals, &info, sizeof(info)) == sizeof(info)) {
                if (info.ssi_signo == SIGWINCH)
                        program_resize(m);
                else if (info.ssi_signo != SIGCHLD)
                        program_signal(m, (int)info.ssi_signo);
        }
}

/* Whoever lists instances asks only those that have it. */
static void mark_paused(void)
{
        int mark = openat(MONITOR_PLACE, INSTANCE_PAUSED_MARK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (mark >= 0)
                close(mark);
}

/*
 * QEMU stops the machine when the host's disk is full (werror=enospc): its guest knows nothing of it, and what it wanted
 * written is tried again when the machine goes on.
 */
static void handle_disk_error(struct monitor *m, struct json_object *data)
{
        const char *action = "", *reason = "";
        struct error ignored;

        if (json_get_string(data, "action", &action, &ignored) <= 0 || strcmp(action, "stop") != 0)
                return;
        json_get_string(data, "reason", &reason, &ignored);
        if (m->is_paused)
                return;
        snprintf(m->pause_reason, sizeof(m->pause_reason), "the host does not take what the machine writes: %s",
                 reason);
        for (char *c = m->pause_reason; *c; c++)
                *c = (char)(*c < ' ' || *c > '~' ? '?' : *c);
        fprintf(stderr, "holt: the machine is paused: %s\n", m->pause_reason);
        m->is_paused = true;
        mark_paused();
}

static int handle_event(const char *name, struct json_object *data, void *userdata)
{
        if (strcmp(name, "BALLOON_CHANGE") == 0 && data)
                update_balloon(userdata, data);
        else if (strcmp(name, "BLOCK_IO_ERROR") == 0 && data)
                handle_disk_error(userdata, data);
        return 0;
}

/* The rest of what QEMU tells is of what we do ourselves: it is read away. */
static int read_qmp(struct monitor *m)
{
        struct error ignored;
        int r = qmp_wait(&m->qmp, 0, &ignored);

        return r == -ETIMEDOUT ? 0 : r;
}

static size_t fill(const struct monitor *m, struct pollfd *p)
{
        bool room = m->n_clients < MONITOR_MAX_CLIENTS;

        p[P_AGENT] = (struct pollfd){ .fd = m->agent, .events = (short)(POLLIN | (m->out.len ? POLLOUT : 0)) };
        p[P_CONSOLE] = (struct pollfd){ .fd = m->console, .events = POLLIN };
        p[P_SIGNALS] = (struct pollfd){ .fd = m->signals, .events = POLLIN };
        p[P_LISTENER] = (struct pollfd){ .fd = room ? m->listener : -1, .events = POLLIN };
        p[P_QMP] = (struct pollfd){ .fd = m->qmp.fd, .events = POLLIN };
        program_poll(m, p + P_PROGRAM);
        for (size_t i = 0; i < m->n_clients; i++)
                p[P_CLIENTS + i] = client_poll(m, m->clients[i]);
        return P_CLIENTS + m->n_clients;
}

/* 0, or -errno when the guest is gone. */
static int step(struct monitor *m)
{
        struct pollfd p[P_CLIENTS + MONITOR_MAX_CLIENTS];
        size_t n = fill(m, p);
        int r = 0;

        if (poll(p, n, shutdown_patience(m)) < 0)
                return errno == EINTR ? 0 : -errno;
        /* First: where there is room again, what waited for it goes on. */
        if (p[P_AGENT].revents & POLLOUT)
                r = channel_flush(m);
        for (size_t i = P_CLIENTS; i < n; i++)
                if (p[i].revents)
                        client_step(m, m->clients[i - P_CLIENTS], p[i].revents);
        if (p[P_CONSOLE].revents)
                console_read(m);
        if (r == 0 && p[P_AGENT].revents & (POLLIN | POLLHUP | POLLERR))
                r = channel_receive(m);
        program_step(m, p + P_PROGRAM);
        if (p[P_SIGNALS].revents)
                handle_signals(m);
        if (p[P_LISTENER].revents)
                client_accept(m);
        if (r == 0 && p[P_QMP].revents)
                r = read_qmp(m);
        shutdown_check(m);
        client_drop_stuck(m);
        for (size_t i = 0; i < m->n_clients; i++)
                client_step(m, m->clients[i], 0);
        if (r == 0)
                r = channel_flush(m);
        return r;
}

/* A guest that ends has had something to say; the last that one has said whose QEMU was killed is of something else. */
static void tell_why(struct monitor *m)
{
        int status = monitor_qemu_status(m);
        const char *last;

        if (m->console >= 0)
                console_read(m);
        last = console_last(m);
        if (status == 128 + SIGKILL)
                fprintf(stderr, "holt: QEMU was killed by signal 9: by somebody, or because memory was short\n");
        else if (status > 128)
                fprintf(stderr, "holt: QEMU was killed by signal %d: %s\n", status - 128, last);
        else if (*last)
                fprintf(stderr, "holt: the guest died: %s\n", last);
        else
                fprintf(stderr, "holt: the machine has ended: its QEMU is gone\n");
}

/* It goes into the instance's log. reason: why we read no more from the guest. */
static int died(struct monitor *m, int reason)
{
        if (reason == -EPROTO)
                fprintf(stderr, "holt: the machine was ended: what its guest says makes no sense\n");
        else if (m->qemu)
                tell_why(m);
        return 128 + SIGKILL;
}

int monitor_serve(struct monitor *m)
{
        int r;

        m->qmp.event = handle_event;
        m->qmp.userdata = m;
        if (m->job.spec)
                program_begin(m);
        /* What the agent said behind STARTED. */
        r = channel_take(m);
        while (r == 0 && !program_is_over(m))
                r = step(m);
        return program_is_over(m) || m->is_ending ? m->exit_code : died(m, r);
}
