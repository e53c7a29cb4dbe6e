/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "shim/shim.h"
#include "sys/terminal.h"

/* The client may send as much again; not each few bytes anew. */
static void grant(struct client *c, size_t len)
{
        unsigned char window[4];

        c->ungranted += (uint32_t)len;
        if (c->ungranted < PROTOCOL_WINDOW_SIZE / 2)
                return;
        protocol_put_u32(window, c->ungranted);
        client_send(c, PROTOCOL_WINDOW, window, sizeof window);
        c->granted += c->ungranted;
        c->ungranted = 0;
}

/* What the program takes now; a program that reads no more takes everything. */
static size_t write_some(const struct shim *s, const void *data, size_t len)
{
        ssize_t n;

        if (s->in < 0)
                return s->phase == SHIM_RUNNING ? len : 0;
        n = write(s->in, data, len);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : len;
        return (size_t)n;
}

/* Who started it has no more to say: then the program's input ends, unless it is a terminal. */
static void end_program_input(struct shim *s, const struct client *c)
{
        if (!c->starts || s->job.tty)
                return;
        s->input_ended = true;
        if (s->in >= 0)
                close(take_fd(&s->in));
}

void input_take(struct shim *s, struct client *c, const void *data, size_t len)
{
        size_t n = c->input.len ? 0 : write_some(s, data, len);

        grant(c, n);
        buf_add(&c->input, (const char *)data + n, len - n);
        c->is_stuck |= buf_failed(&c->input);
}

void input_end(struct shim *s, struct client *c)
{
        c->input_ended = true;
        if (!c->input.len)
                end_program_input(s, c);
}

int input_poll(const struct shim *s)
{
        for (size_t i = 0; i < s->n_clients; i++) {
                if (s->clients[i]->input.len)
                        return s->in;
        }
        return -1;
}

void input_step(struct shim *s)
{
        for (size_t i = 0; i < s->n_clients; i++) {
                struct client *c = s->clients[i];
                size_t n;

                if (!c->input.len)
                        continue;
                n = write_some(s, c->input.data, c->input.len);
                memmove(c->input.data, c->input.data + n, c->input.len - n);
                c->input.len -= n;
                grant(c, n);
                if (c->input.len)
                        return;
                buf_finish(&c->input);
                if (c->input_ended)
                        end_program_input(s, c);
        }
}

/* What it sent and the program has not read yet is lost with it: as when one who types is cut off. */
void input_forget(struct shim *s, struct client *c)
{
        if (c->has_input)
                end_program_input(s, c);
}

void shim_resize(struct shim *s, uint16_t rows, uint16_t columns)
{
        s->rows = rows;
        s->columns = columns;
        if (s->job.tty && s->in >= 0)
                terminal_set_size(s->in, rows, columns);
}
