/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance.h"
#include "monitor/monitor.h"

enum { ROOM = 4 << 10, ANSWER_MS = 5000 };

static void hang_up(struct monitor_client *c)
{
        protocol_reader_finish(&c->in);
        buf_finish(&c->out);
        if (c->fd >= 0)
                close(take_fd(&c->fd));
}

/* As much again as is on its way to nobody. */
static void grant(struct monitor *m, struct monitor_client *c)
{
        unsigned char window[4];

        if (!c->session || !c->ungranted)
                return;
        protocol_put_u32(window, c->ungranted);
        channel_send(m, PROTOCOL_WINDOW, c->session, window, sizeof(window));
        c->granted += c->ungranted;
        c->ungranted = 0;
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

/* As a shim says it: to a client there is no difference. */
static int add_exit(struct monitor_client *c, const struct frame *f)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        struct instance_state state = { .status = INSTANCE_EXITED };
        struct error ignored;
        uint32_t code;

        if (json_parse((const char *)f->payload, f->len, &json, &ignored) < 0 || !json_is_object(json) ||
            json_get_u32(json, "exit", &code, &ignored) <= 0)
                return -EPROTO;
        state.exit_code = (int)(code & 255);
        instance_state_write(&state, &w, NULL);
        protocol_add(&c->out, PROTOCOL_EXITED, text.data, text.len);
        return 0;
}

static int take_output(struct monitor *m, struct monitor_client *c, const struct frame *f)
{
        if (f->len > c->granted)
                return -EPROTO;
        c->granted -= f->len;
        c->ungranted += f->len;
        if (c->fd >= 0)
                protocol_add(&c->out, f->type, f->payload, f->len);
        else
                grant(m, c);
        return 0;
}

int client_take(struct monitor *m, const struct frame *f)
{
        struct monitor_client *c = find(m, f->session);
        struct error err;
        int r = 0;

        if (f->session == SESSION_GUEST && m->update && f->type != PROTOCOL_STATE)
                r = update_end(m, f, &err);
        if (!c)
                return 0;
        if (f->session == SESSION_GUEST)
                c->waits_for_guest = false;
        if (r < 0) {
                channel_send_error(&c->out, &err);
                return 0;
        }
        switch (f->type) {
        case PROTOCOL_STDOUT:
        case PROTOCOL_STDERR:
                r = take_output(m, c, f);
                break;
        case PROTOCOL_EXITED:
                r = add_exit(c, f);
                c->session = 0;
                break;
        case PROTOCOL_ERROR:
                protocol_add(&c->out, f->type, f->payload, f->len);
                c->session = c->started ? c->session : 0;
                break;
        case PROTOCOL_STARTED:
                c->started = true;
                protocol_add(&c->out, f->type, f->payload, f->len);
                break;
        default:
                protocol_add(&c->out, f->type, f->payload, f->len);
        }
        c->is_stuck |= buf_failed(&c->out) || (c->fd < 0 && !c->session);
        return r;
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
                shutdown_kill(m);
        else
                program_signal(m, signo);
}

static void send_state(struct monitor *m, struct monitor_client *c)
{
        own_buf struct buf text = {};

        buf_addf(&text, "{\"paused\":%s}", m->is_paused ? "true" : "false");
        protocol_add(&c->out, PROTOCOL_STATE, text.data, text.len);
}

static void ask_guest(struct monitor *m, struct monitor_client *c, const struct frame *f)
{
        struct error err;

        if (f->type == PROTOCOL_UPDATE && update_begin(m, f, &err) < 0) {
                channel_send_error(&c->out, &err);
                return;
        }
        c->waits_for_guest = true;
        if (f->type != PROTOCOL_UPDATE)
                channel_send(m, f->type, SESSION_GUEST, f->payload, f->len);
}

/* With the guest ends whatever it has to do: only one that has no program is told so by a client. */
static void shut_down(struct monitor *m, struct monitor_client *c)
{
        struct error err;
        int r = m->job.spec ? error_set(&err, EBUSY, "a program runs in the guest") : 0;

        if (r == 0 && !m->is_ending) {
                m->is_ending = true;
                channel_send(m, PROTOCOL_SHUTDOWN, SESSION_GUEST, NULL, 0);
        }
        answer(c, r, &err);
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
        case PROTOCOL_SHUTDOWN:
                shut_down(m, c);
                return;
        case PROTOCOL_UPDATE:
        case PROTOCOL_STATS:
                if (find(m, SESSION_GUEST) || m->update) {
                        error_set(&err, EBUSY, "the guest is being asked already");
                        channel_send_error(&c->out, &err);
                        return;
                }
                ask_guest(m, c, f);
                return;
        default:
                c->is_stuck = true;
        }
}

static void handle(struct monitor *m, struct monitor_client *c, const struct frame *f)
{
        if (f->type == PROTOCOL_START && !c->session && !c->started) {
                c->session = free_session(m);
                c->ungranted = PROTOCOL_WINDOW_SIZE;
        } else if (f->type == PROTOCOL_START) {
                c->is_stuck = true;
        }
        if (!c->session) {
                /* What it still says of a session that has ended. */
                if (!c->started)
                        handle_for_guest(m, c, f);
                return;
        }
        switch (f->type) {
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
        if (f->type == PROTOCOL_START)
                grant(m, c);
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
                if (!protocol_is_in_order(&f, &c->said_hello))
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
        if (c->fd < 0)
                return;
        if (revents & (POLLIN | POLLHUP | POLLERR))
                receive(m, c);
        if (!c->is_stuck)
                flush(c);
        if (!c->out.len)
                grant(m, c);
}

/* What its process writes from now on is for nobody, and what it reads has an end. */
static void leave(struct monitor *m, struct monitor_client *c)
{
        hang_up(c);
        c->is_stuck = c->waits_for_guest = false;
        channel_send(m, PROTOCOL_END, c->session, NULL, 0);
        grant(m, c);
}

void client_drop_stuck(struct monitor *m)
{
        for (size_t i = 0; i < m->n_clients;) {
                struct monitor_client *c = m->clients[i];

                if (c->is_stuck && c->session && c->fd >= 0)
                        leave(m, c);
                if (!c->is_stuck) {
                        i++;
                        continue;
                }
                m->clients[i] = m->clients[--m->n_clients];
                hang_up(c);
                free(c);
        }
}
