/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"

/* What waits to be sent before all else is put off; and what is tried to be read at once. */
enum { MAX_PENDING = 128 << 10, ROOM = 32 << 10 };

void channel_finish(struct channel *c)
{
        protocol_reader_finish(&c->in);
        buf_finish(&c->out);
}

void channel_send(struct channel *c, uint16_t session, unsigned type, const void *payload, size_t len)
{
        protocol_add_to(&c->out, session, type, payload, len);
        if (buf_failed(&c->out) && !c->error)
                c->error = -ENOMEM;
}

void channel_send_error(struct channel *c, uint16_t session, const struct error *err)
{
        unsigned char payload[4 + sizeof err->text];
        size_t len = strlen(err->text);

        protocol_put_u32(payload, (uint32_t)err->code);
        memcpy(payload + 4, err->text, len);
        channel_send(c, session, PROTOCOL_ERROR, payload, 4 + len);
}

bool channel_has_room(const struct channel *c)
{
        return c->out.len < MAX_PENDING;
}

struct pollfd channel_poll(const struct channel *c)
{
        short events = c->out.len ? POLLOUT : 0;

        if (channel_has_room(c))
                events |= POLLIN;
        return (struct pollfd){ .fd = c->fd, .events = events };
}

void channel_receive(struct channel *c)
{
        ssize_t n = protocol_read(&c->in, c->fd, ROOM);

        if (n == 0)
                c->error = -EPIPE;
        else if (n < 0 && n != -EAGAIN)
                c->error = (int)n;
}

void channel_flush(struct channel *c)
{
        size_t sent = 0;

        while (sent < c->out.len) {
                ssize_t n = write(c->fd, c->out.data + sent, c->out.len - sent);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno != EAGAIN)
                        c->error = -errno;
                if (n <= 0)
                        break;
                sent += (size_t)n;
        }
        if (sent == c->out.len) {
                buf_finish(&c->out);
                return;
        }
        memmove(c->out.data, c->out.data + sent, c->out.len - sent);
        c->out.len -= sent;
}
