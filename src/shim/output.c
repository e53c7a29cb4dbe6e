/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "shim/shim.h"

bool output_is_taken(const struct shim *s)
{
        for (size_t i = 0; i < s->n_clients; i++) {
                const struct client *c = s->clients[i];

                if (c->attached && !c->is_stuck && s->chunk && c->sent < s->chunk->len)
                        return false;
        }
        return true;
}

void output_poll(const struct shim *s, struct pollfd *p)
{
        bool reads = s->phase == SHIM_RUNNING && !s->breathe_at && output_is_taken(s);

        for (size_t i = 0; i < ARRAY_SIZE(s->out); i++)
                p[i] = (struct pollfd){ .fd = reads ? s->out[i] : -1, .events = POLLIN };
}

static void pass_on(struct shim *s, enum log_stream stream, size_t len)
{
        unsigned char *frame = s->chunk->frame;

        protocol_header(frame, stream == LOG_STDOUT ? PROTOCOL_STDOUT : PROTOCOL_STDERR, (uint32_t)len);
        s->chunk->len = PROTOCOL_HEADER + len;
        for (size_t i = 0; i < s->n_clients; i++) {
                struct client *c = s->clients[i];

                if (!c->attached)
                        continue;
                c->sent = 0;
                client_flush(s, c);
        }
        /* Whoever watches sees it before the disk does. */
        log_write(&s->log, stream, (const char *)frame + PROTOCOL_HEADER, len, shim_time());
}

/* 1 when something was read, 0 when there is nothing for now or any more. */
static int read_chunk(struct shim *s, enum log_stream stream)
{
        ssize_t n;

        if (!s->chunk)
                s->chunk = malloc(sizeof *s->chunk);
        /* Without memory the program is held back until there is some. */
        if (!s->chunk) {
                shim_hold_breath(s);
                return 0;
        }
        s->chunk->len = 0;
        n = read(s->out[stream], s->chunk->frame + PROTOCOL_HEADER, PROTOCOL_MAX_DATA);
        if (n > 0) {
                pass_on(s, stream, (size_t)n);
                return 1;
        }
        /* A terminal is its input as well, and stays open. */
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
                if (s->out[stream] != s->in)
                        close(s->out[stream]);
                s->out[stream] = -1;
        }
        return 0;
}

void output_step(struct shim *s, const struct pollfd *p)
{
        for (size_t i = 0; i < ARRAY_SIZE(s->out); i++) {
                if (p[i].fd >= 0 && p[i].revents && read_chunk(s, (enum log_stream)i) > 0)
                        return;
        }
}

int output_read_rest(struct shim *s)
{
        for (size_t i = 0; i < ARRAY_SIZE(s->out); i++) {
                if (s->out[i] >= 0 && read_chunk(s, (enum log_stream)i) > 0)
                        return 1;
        }
        return 0;
}

void output_close(struct shim *s)
{
        const int fds[] = { s->in, s->out[0] != s->in ? s->out[0] : -1, s->out[1], s->slave };

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
        }
        s->in = s->out[0] = s->out[1] = s->slave = -1;
        free(s->chunk);
        s->chunk = NULL;
}
