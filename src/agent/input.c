/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/own.h"

static void grant(struct agent *a, struct session *s, uint32_t len)
{
        unsigned char window[4];

        protocol_put_u32(window, len);
        channel_send(&a->channel, s->number, PROTOCOL_WINDOW, window, sizeof window);
        s->granted += len;
}

void input_begin(struct agent *a, struct session *s)
{
        s->granted = s->ungranted = 0;
        if (s->in >= 0 && !s->input_ended)
                grant(a, s, PROTOCOL_WINDOW_SIZE - (uint32_t)s->input.len);
}

/* As much again may come; not each few bytes anew. */
static void note_taken(struct agent *a, struct session *s, size_t len)
{
        s->ungranted += (uint32_t)len;
        if (s->ungranted < PROTOCOL_WINDOW_SIZE / 2)
                return;
        grant(a, s, s->ungranted);
        s->ungranted = 0;
}

/* What the program takes now; a program that reads no more takes everything. */
static size_t write_some(const struct session *s, const void *data, size_t len)
{
        ssize_t n = s->in < 0 ? (ssize_t)len : write(s->in, data, len);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : len;
        return (size_t)n;
}

/* A terminal has no end: who types says so by a character of his. */
static void close_at_end(struct session *s)
{
        if (s->input_ended && !s->input.len && !s->tty && s->in >= 0)
                close(take_fd(&s->in));
}

void input_take(struct agent *a, struct session *s, const struct frame *f)
{
        size_t n;

        if (f->len > s->granted || s->input_ended) {
                a->channel.error = -EPROTO;
                return;
        }
        s->granted -= f->len;
        n = s->input.len ? 0 : write_some(s, f->payload, f->len);
        note_taken(a, s, n);
        buf_add(&s->input, f->payload + n, f->len - n);
        if (buf_failed(&s->input))
                a->channel.error = -ENOMEM;
}

/* One that takes nothing and has an end is of use to nobody any more. */
void input_end(struct session *s)
{
        if (s->kind == WORKLOAD_ERRAND && s->in < 0 && s->pid)
                kill(s->pid, SIGKILL);
        s->input_ended = true;
        close_at_end(s);
}

void input_write(struct agent *a, struct session *s)
{
        size_t n = write_some(s, s->input.data, s->input.len);

        memmove(s->input.data, s->input.data + n, s->input.len - n);
        s->input.len -= n;
        note_taken(a, s, n);
        if (!s->input.len)
                buf_finish(&s->input);
        close_at_end(s);
}
