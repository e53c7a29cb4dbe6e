/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_name.h"
#include "shim/shim.h"

/* What waits to be sent to one who does not read, beside output; what is tried to be read at once; descriptors that
 * clients leave to us, to start and to clean up. */
enum { MAX_PENDING = 16 << 10, ROOM = 256, OWN_FDS = 32 };

static void client_free(struct client *c)
{
        protocol_reader_finish(&c->in);
        buf_finish(&c->out);
        buf_finish(&c->input);
        close(c->fd);
        free(c);
}

struct client *shim_add_client(struct shim *s, int fd)
{
        struct client *c = s->n_clients < SHIM_MAX_CLIENTS ? calloc(1, sizeof *c) : NULL;
        unsigned char version[4];

        if (!c) {
                close(fd);
                return NULL;
        }
        c->fd = fd;
        c->waits_for = -1;
        s->clients[s->n_clients++] = c;
        protocol_put_u32(version, PROTOCOL_VERSION);
        client_send(c, PROTOCOL_HELLO, version, sizeof version);
        return c;
}

static struct client *find_idle(const struct shim *s)
{
        for (size_t i = 0; i < s->n_clients; i++) {
                struct client *c = s->clients[i];

                if (!c->starts && !c->attached && !c->has_input && c->waits_for < 0)
                        return c;
        }
        return NULL;
}

bool shim_has_room(const struct shim *s)
{
        return s->n_clients < s->max_clients || find_idle(s);
}

static void drop_idle(struct shim *s)
{
        struct client *idle = find_idle(s);

        if (!idle)
                return;
        idle->is_stuck = true;
        shim_drop_clients(s);
}

/* The lowest free descriptor is what the next one gets. */
static bool is_one_of_the_last(int fd)
{
        struct rlimit limit;

        return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd + OWN_FDS >= limit.rlim_cur;
}

bool shim_accept(struct shim *s)
{
        int fd = shim_has_room(s) ? accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;

        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
                drop_idle(s);
                shim_hold_breath(s);
        }
        if (fd < 0)
                return false;
        if (s->n_clients >= s->max_clients)
                drop_idle(s);
        if (shim_add_client(s, fd) && is_one_of_the_last(fd))
                s->max_clients = s->n_clients;
        return true;
}

/* ---- what is sent ---- */

void client_send(struct client *c, unsigned type, const void *payload, size_t len)
{
        protocol_add(&c->out, type, payload, len);
        if (buf_failed(&c->out) || c->out.len > MAX_PENDING)
                c->is_stuck = true;
}

void client_send_error(struct client *c, const struct error *err)
{
        unsigned char payload[4 + sizeof err->text];
        size_t len = strlen(err->text);

        protocol_put_u32(payload, (uint32_t)err->code);
        memcpy(payload + 4, err->text, len);
        client_send(c, PROTOCOL_ERROR, payload, 4 + len);
}

void client_send_state(const struct shim *s, struct client *c, unsigned type)
{
        own_buf struct buf text = {};

        shim_describe(s, &text);
        client_send(c, type, text.data, text.len);
}

/* False when the connection takes no more for now. */
static bool send_some(struct client *c, const void *data, size_t len, size_t *sent)
{
        while (*sent < len) {
                ssize_t n = send(c->fd, (const char *)data + *sent, len - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        c->is_stuck |= errno != EAGAIN;
                        return false;
                }
                *sent += (size_t)n;
        }
        return true;
}

static bool is_in_chunk(const struct shim *s, const struct client *c)
{
        return c->attached && s->chunk && c->sent < s->chunk->len;
}

/* A frame of the chunk that has begun goes first, then what else there is: what is queued is younger. But a chunk that
 * has not begun waits for what was queued when it came. */
void client_flush(const struct shim *s, struct client *c)
{
        size_t sent = 0;

        if (is_in_chunk(s, c) && c->sent && !send_some(c, s->chunk->frame, s->chunk->len, &c->sent))
                return;
        if (c->out.len) {
                send_some(c, c->out.data, c->out.len, &sent);
                memmove(c->out.data, c->out.data + sent, c->out.len - sent);
                c->out.len -= sent;
                if (c->out.len)
                        return;
                buf_finish(&c->out);
        }
        if (is_in_chunk(s, c))
                send_some(c, s->chunk->frame, s->chunk->len, &c->sent);
}

/* ---- what comes ---- */

bool client_is_served(const struct shim *s, const struct client *c)
{
        switch (c->waits_for) {
        case WAIT_FOR_RUNNING:
                return s->phase == SHIM_RUNNING;
        case WAIT_FOR_HEALTHY:
                return s->phase == SHIM_RUNNING && s->state.health == HEALTH_HEALTHY;
        default:
                return false;
        }
}

static void wait_for(const struct shim *s, struct client *c, unsigned what)
{
        struct error err;

        if (what > WAIT_FOR_RUNNING) {
                c->is_stuck = true;
                return;
        }
        if (what == WAIT_FOR_HEALTHY && !s->job.health.test) {
                error_set(&err, EINVAL, "it has no health check");
                client_send_error(c, &err);
                return;
        }
        c->waits_for = (int)what;
        if (!client_is_served(s, c))
                return;
        c->waits_for = -1;
        client_send_state(s, c, PROTOCOL_STATE);
}

static void attach(struct shim *s, struct client *c, unsigned flags)
{
        unsigned char window[4];

        /* What is on its way to others was read before. */
        if (flags & PROTOCOL_ATTACH_OUTPUT && !c->attached) {
                c->attached = true;
                c->sent = s->chunk ? s->chunk->len : 0;
        }
        client_send_state(s, c, PROTOCOL_STATE);
        if (!(flags & PROTOCOL_ATTACH_INPUT) || c->has_input || !s->job.interactive)
                return;
        c->has_input = true;
        c->granted = PROTOCOL_WINDOW_SIZE;
        protocol_put_u32(window, c->granted);
        client_send(c, PROTOCOL_WINDOW, window, sizeof window);
}

static void answer(struct client *c, int r, const struct error *err)
{
        if (r < 0)
                client_send_error(c, err);
        else
                client_send(c, PROTOCOL_DONE, NULL, 0);
}

static void handle_input(struct shim *s, struct client *c, const struct frame *f)
{
        if (f->len > c->granted || c->input_ended) {
                c->is_stuck = true;
                return;
        }
        c->granted -= f->len;
        input_take(s, c, f->payload, f->len);
}

/* Who asks for the end of one that has ended gives up what it has not taken. */
static void handle_signal(struct shim *s, struct client *c, int signo)
{
        struct error err;

        if (s->phase == SHIM_DRAINING && c->attached && shim_is_ending(s, signo))
                c->is_stuck = true;
        else
                answer(c, shim_signal_program(s, signo, &err), &err);
}

static int stop(struct shim *s, int timeout, struct error *err)
{
        bool of_host = timeout == PROTOCOL_STOP_OF_HOST;

        return shim_stop_program(s, of_host ? s->job.stop_timeout : timeout, !of_host, err);
}

/* What was told under the old name is told. */
static int rename_instance(struct shim *s, const struct frame *f, struct error *err)
{
        own_mem char *name = strndup((const char *)f->payload, f->len);
        int r;

        if (!name)
                return error_set(err, ENOMEM, "out of memory");
        if (strlen(name) != f->len)
                return error_set(err, EINVAL, "a name ends where it says");
        r = instance_name_check(name, err);
        if (r < 0)
                return r;
        free(s->name);
        s->job.name = s->log.name = s->name = name;
        name = NULL;
        return 0;
}

static void handle(struct shim *s, struct client *c, const struct frame *f)
{
        struct error err;

        switch (f->type) {
        case PROTOCOL_START:
                shim_take_job(s, c, f);
                return;
        case PROTOCOL_ATTACH:
                attach(s, c, f->payload[0]);
                return;
        case PROTOCOL_STDIN:
                handle_input(s, c, f);
                return;
        case PROTOCOL_END:
                input_end(s, c);
                return;
        case PROTOCOL_RESIZE:
                shim_resize(s, protocol_u16(f->payload), protocol_u16(f->payload + 2));
                return;
        case PROTOCOL_SIGNAL:
                handle_signal(s, c, (int)protocol_u32(f->payload));
                return;
        case PROTOCOL_STOP:
                /* It may be over before the client can ask to be told. */
                if (c->waits_for < 0)
                        c->waits_for = WAIT_FOR_EXIT;
                answer(c, stop(s, (int)protocol_u32(f->payload), &err), &err);
                return;
        case PROTOCOL_RENAME:
                answer(c, rename_instance(s, f, &err), &err);
                return;
        case PROTOCOL_WAIT:
                wait_for(s, c, f->payload[0]);
                return;
        default:
                c->is_stuck = true;
        }
}

void client_receive(struct shim *s, struct client *c)
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
                        handle(s, c, &f);
        }
        c->is_stuck |= r < 0;
        protocol_reader_rest(&c->in);
}

struct pollfd client_poll(const struct shim *s, const struct client *c)
{
        bool sends = c->out.len || is_in_chunk(s, c);

        return (struct pollfd){ .fd = c->fd, .events = (short)(POLLIN | (sends ? POLLOUT : 0)) };
}

void client_step(struct shim *s, struct client *c, short revents)
{
        if (revents & POLLOUT)
                client_flush(s, c);
        if (revents & (POLLIN | POLLHUP | POLLERR))
                client_receive(s, c);
        if (c->out.len && !c->is_stuck)
                client_flush(s, c);
}

void shim_drop_clients(struct shim *s)
{
        for (size_t i = 0; i < s->n_clients;) {
                struct client *c = s->clients[i];

                if (!c->is_stuck) {
                        i++;
                        continue;
                }
                s->clients[i] = s->clients[--s->n_clients];
                input_forget(s, c);
                if (c->starts && s->phase == SHIM_WAITING)
                        s->phase = SHIM_GONE;
                client_free(c);
        }
}
