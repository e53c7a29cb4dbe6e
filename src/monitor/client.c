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

/* As much again as is on its way to nobody. One that does not hear what it is granted gets no more. */
static void grant(struct monitor *m, struct monitor_client *c)
{
        unsigned char window[4];

        if (!c->session || !c->ungranted || channel_is_full(m))
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

static int take_output(struct monitor_client *c, const struct frame *f)
{
        if (f->len > c->granted || f->len == 0)
                return -EPROTO;
        c->granted -= f->len;
        c->ungranted += f->len;
        return 0;
}

/* It never has more on its way than one window. */
static int take_window(struct monitor_client *c, const struct frame *f)
{
        uint32_t more = protocol_u32(f->payload);

        if (more == 0 || more > PROTOCOL_WINDOW_SIZE - c->takes)
                return -EPROTO;
        c->takes += more;
        return 0;
}

static int take_start(struct monitor_client *c)
{
        if (c->started)
                return -EPROTO;
        c->started = true;
        return 0;
}

/* Of a SIGNAL; or that START was refused, which is the end. */
static int take_answer(struct monitor_client *c, const struct frame *f)
{
        if (!c->started && f->type == PROTOCOL_ERROR) {
                c->session = 0;
                return 0;
        }
        if (!c->asks)
                return -EPROTO;
        c->asks--;
        return 0;
}

/* Whether the agent may say this: all that is passed on has a bound. */
static int check_session(struct monitor_client *c, const struct frame *f)
{
        switch (f->type) {
        case PROTOCOL_STDOUT:
        case PROTOCOL_STDERR:
                return take_output(c, f);
        case PROTOCOL_WINDOW:
                return take_window(c, f);
        case PROTOCOL_STARTED:
                return take_start(c);
        case PROTOCOL_DONE:
        case PROTOCOL_ERROR:
                return take_answer(c, f);
        default:
                return f->type == PROTOCOL_EXITED ? 0 : -EPROTO;
        }
}

static int take_for_session(struct monitor_client *c, const struct frame *f)
{
        int r = check_session(c, f);

        if (r < 0)
                return r;
        if (f->type == PROTOCOL_EXITED) {
                r = add_exit(c, f);
                c->session = 0;
        } else if (c->fd >= 0) {
                protocol_add(&c->out, f->type, f->payload, f->len);
        }
        return r;
}

/* An answer is owed to one client at most. */
static int take_for_guest(struct monitor *m, struct monitor_client *c, const struct frame *f)
{
        struct error err;
        int r = 0;

        if (f->type != PROTOCOL_DONE && f->type != PROTOCOL_ERROR && f->type != PROTOCOL_STATE)
                return -EPROTO;
        if (m->update && f->type != PROTOCOL_STATE)
                r = update_end(m, f, &err);
        if (m->save && (r = save_step(m, f, &err)) > 0)
                return 0;
        if (!c)
                return 0;
        c->waits_for_guest = false;
        if (r < 0)
                channel_send_error(&c->out, &err);
        else
                protocol_add(&c->out, f->type, f->payload, f->len);
        return 0;
}

int client_take(struct monitor *m, const struct frame *f)
{
        struct monitor_client *c = find(m, f->session);
        int r = 0;

        if (f->session == SESSION_GUEST)
                r = take_for_guest(m, c, f);
        else if (c)
                r = take_for_session(c, f);
        if (c)
                c->is_stuck |= buf_failed(&c->out) || (c->fd < 0 && !c->session);
        return r;
}

/* ---- what comes from the client ---- */

/* The next number that nobody has: what is still said of one that has ended is not about a new one. */
static uint16_t free_session(struct monitor *m)
{
        do
                m->last_session++;
        while (m->last_session < SESSION_FIRST_CLIENT || find(m, m->last_session));
        return m->last_session;
}

static size_t count_sessions(const struct monitor *m)
{
        size_t n = 0;

        for (size_t i = 0; i < m->n_clients; i++)
                n += m->clients[i]->session != 0;
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

        if (r == 0) {
                m->is_paused = paused;
                m->pause_reason[0] = '\0';
        }
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
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        json_write_bool(&w, "paused", m->is_paused);
        json_write_string(&w, "reason", m->pause_reason);
        json_end_object(&w);
        protocol_add(&c->out, PROTOCOL_STATE, text.data, text.len);
}

static void ask_guest(struct monitor *m, struct monitor_client *c, const struct frame *f)
{
        struct error err;

        if ((f->type == PROTOCOL_UPDATE && update_begin(m, f, &err) < 0) ||
            (f->type == PROTOCOL_SAVE && save_begin(m, f, &err) < 0)) {
                channel_send_error(&c->out, &err);
                return;
        }
        c->waits_for_guest = true;
        if (f->type == PROTOCOL_STATS)
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
        case PROTOCOL_SAVE:
                if (find(m, SESSION_GUEST) || m->update || m->save) {
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

static void begin_session(struct monitor *m, struct monitor_client *c)
{
        struct error err;

        if (c->session || c->started) {
                c->is_stuck = true;
        } else if (count_sessions(m) >= MONITOR_MAX_SESSIONS) {
                error_set(&err, EAGAIN, "there are %d programs in the machine already", MONITOR_MAX_SESSIONS);
                channel_send_error(&c->out, &err);
        } else {
                c->session = free_session(m);
                c->ungranted = PROTOCOL_WINDOW_SIZE;
        }
}

/* What a client may say of its session. */
static bool is_for_session(struct monitor_client *c, const struct frame *f)
{
        switch (f->type) {
        case PROTOCOL_STDIN:
                if (f->len > c->takes)
                        return false;
                c->takes -= f->len;
                return true;
        case PROTOCOL_SIGNAL:
                c->asks++;
                return true;
        default:
                return f->type == PROTOCOL_START || f->type == PROTOCOL_END || f->type == PROTOCOL_RESIZE;
        }
}

static void handle(struct monitor *m, struct monitor_client *c, const struct frame *f)
{
        if (f->type == PROTOCOL_START)
                begin_session(m, c);
        if (!c->session) {
                /* What it still says of a session that has ended. */
                if (!c->started && f->type != PROTOCOL_START)
                        handle_for_guest(m, c, f);
                return;
        }
        c->is_stuck |= !is_for_session(c, f);
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
        if (c->fd < 0) {
                grant(m, c);
                return;
        }
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
