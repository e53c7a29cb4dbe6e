/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/monitor.h"

enum { ROOM = 4 << 10, ANSWER_MS = 5000 };

static void client_free(struct monitor_client *c)
{
        protocol_reader_finish(&c->in);
        buf_finish(&c->out);
        close(c->fd);
        free(c);
}

void client_accept(struct monitor *m)
{
        int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct monitor_client *c = fd >= 0 ? calloc(1, sizeof(*c)) : NULL;
        unsigned char version[4];

        if (!c) {
                if (fd >= 0)
                        close(fd);
                return;
        }
        c->fd = fd;
        c->in.may_start = true;
        m->clients[m->n_clients++] = c;
        protocol_put_u32(version, PROTOCOL_VERSION);
        protocol_add(&c->out, PROTOCOL_HELLO, version, sizeof(version));
}

/* ---- what comes from the agent ---- */

static struct monitor_client *find(const struct monitor *m, uint16_t session)
{
        for (size_t i = 0; i < m->n_clients; i++) {
                struct monitor_client *c = m->clients[i];

                if (session == SESSION_GUEST ? c->waits_for_guest : c->session == session)
                        return c;
        }
        return NULL;
}

int client_take(struct monitor *m, const struct frame *f)
{
        struct monitor_client *c = find(m, f->session);
        bool is_output = f->type == PROTOCOL_STDOUT || f->type == PROTOCOL_STDERR;

        if (!c)
                return 0;
        if (is_output && f->len > c->granted)
                return -EPROTO;
        c->granted -= is_output ? f->len : 0;
        protocol_add(&c->out, f->type, f->payload, f->len);
        c->is_stuck |= buf_failed(&c->out);
        if (f->session == SESSION_GUEST)
                c->waits_for_guest = false;
        else if (f->type == PROTOCOL_EXITED || (f->type == PROTOCOL_ERROR && !c->started))
                c->session = 0;
        else if (f->type == PROTOCOL_STARTED)
                c->started = true;
        return 0;
}

/* ---- what comes from the client ---- */

/* The lowest number that nobody has. */
static uint16_t free_session(const struct monitor *m)
{
        uint16_t n = SESSION_FIRST_CLIENT;

        while (find(m, n))
                n++;
        return n;
}

static void answer(struct monitor_client *c, int r, const struct error *err)
{
        if (r < 0)
                channel_send_error(&c->out, err);
        else
                protocol_add(&c->out, PROTOCOL_DONE, NULL, 0);
}

static int set_paused(struct monitor *m, bool paused, struct error *err)
{
        int r = qmp_execute(&m->qmp, paused ? "stop" : "cont", NULL, ANSWER_MS, NULL, err);

        if (r == 0)
                m->is_paused = paused;
        return r;
}

static void signal_program(struct monitor *m, int signo)
{
        if (signo == SIGKILL)
                monitor_end_qemu(m);
        else
                program_signal(m, signo);
}

static void send_state(struct monitor *m, struct monitor_client *c)
{
        own_buf struct buf text = {};

        buf_addf(&text, "{\"paused\":%s}", m->is_paused ? "true" : "false");
        protocol_add(&c->out, PROTOCOL_STATE, text.data, text.len);
}

/* What is about the guest, from a client that has no session. */
static void handle_for_guest(struct monitor *m, struct monitor_client *c, const struct frame *f)
{
        struct error err;

        switch (f->type) {
        case PROTOCOL_SIGNAL:
                signal_program(m, (int)protocol_u32(f->payload));
                answer(c, 0, NULL);
                return;
        case PROTOCOL_PAUSE:
                answer(c, set_paused(m, f->payload[0], &err), &err);
                return;
        case PROTOCOL_WAIT:
                send_state(m, c);
                return;
        case PROTOCOL_STATS:
                if (find(m, SESSION_GUEST)) {
                        error_set(&err, EBUSY, "the guest is being asked already");
                        channel_send_error(&c->out, &err);
                        return;
                }
                c->waits_for_guest = true;
                channel_send(m, f->type, SESSION_GUEST, f->payload, f->len);
                return;
        default:
                c->is_stuck = true;
        }
}

static void handle(struct monitor *m, struct monitor_client *c, const struct frame *f)
{
        if (f->type == PROTOCOL_START && !c->session && !c->started)
                c->session = free_session(m);
        else if (f->type == PROTOCOL_START)
                c->is_stuck = true;
        if (!c->session) {
                /* What it still says of a session that has ended. */
                if (!c->started)
                        handle_for_guest(m, c, f);
                return;
        }
        switch (f->type) {
        case PROTOCOL_WINDOW:
                c->is_stuck |= protocol_u32(f->payload) > UINT32_MAX - c->granted;
                c->granted += protocol_u32(f->payload);
                break;
        case PROTOCOL_START:
        case PROTOCOL_STDIN:
        case PROTOCOL_END:
        case PROTOCOL_RESIZE:
        case PROTOCOL_SIGNAL:
                break;
        default:
                c->is_stuck = true;
        }
        if (!c->is_stuck)
                channel_send(m, f->type, c->session, f->payload, f->len);
}

/* HELLO comes first, and but once. */
static bool is_in_order(struct monitor_client *c, const struct frame *f)
{
        bool is_hello = f->type == PROTOCOL_HELLO;

        if (f->session || is_hello == c->said_hello || (is_hello && protocol_u32(f->payload) != PROTOCOL_VERSION))
                return false;
        c->said_hello = true;
        return true;
}

static void receive(struct monitor *m, struct monitor_client *c)
{
        ssize_t n = protocol_receive(&c->in, c->fd, ROOM);
        struct frame f;
        int r = 0;

        if (n <= 0) {
                c->is_stuck |= n != -EAGAIN;
                return;
        }
        while (!c->is_stuck && (r = protocol_next(&c->in, &f)) > 0) {
                if (!is_in_order(c, &f))
                        c->is_stuck = true;
                else if (f.type != PROTOCOL_HELLO)
                        handle(m, c, &f);
        }
        c->is_stuck |= r < 0;
        protocol_reader_rest(&c->in);
}

static void flush(struct monitor_client *c)
{
        while (c->out.len) {
                ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        c->is_stuck |= errno != EAGAIN;
                        return;
                }
                memmove(c->out.data, c->out.data + n, c->out.len - (size_t)n);
                c->out.len -= (size_t)n;
        }
        buf_finish(&c->out);
}

/* ---- the loop's part ---- */

struct pollfd client_poll(const struct monitor *m, const struct monitor_client *c)
{
        return (struct pollfd){ .fd = c->fd,
                                .events = (short)((channel_is_full(m) ? 0 : POLLIN) | (c->out.len ? POLLOUT : 0)) };
}

void client_step(struct monitor *m, struct monitor_client *c, short revents)
{
        if (revents & (POLLIN | POLLHUP | POLLERR))
                receive(m, c);
        if (!c->is_stuck)
                flush(c);
}

/* A process whose client has gone is told as by a terminal that goes. */
void client_drop_stuck(struct monitor *m)
{
        for (size_t i = 0; i < m->n_clients;) {
                struct monitor_client *c = m->clients[i];
                unsigned char payload[4];

                if (!c->is_stuck) {
                        i++;
                        continue;
                }
                m->clients[i] = m->clients[--m->n_clients];
                if (c->session) {
                        protocol_put_u32(payload, SIGHUP);
                        channel_send(m, PROTOCOL_SIGNAL, c->session, payload, sizeof(payload));
                }
                client_free(c);
        }
}
