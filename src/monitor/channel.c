/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"
#include "monitor/monitor.h"

enum { FULL = 256 << 10, ROOM = 64 << 10 };

void channel_send(struct monitor *m, unsigned type, uint16_t session, const void *payload, size_t len)
{
        struct buf *out = m->is_suspended && type != PROTOCOL_RESUME ? &m->unheard : &m->out;
        unsigned char header[PROTOCOL_HEADER];

        protocol_header(header, type, (uint32_t)len);
        protocol_put_u16(header + 6, session);
        buf_add(out, header, sizeof(header));
        buf_add(out, payload, len);
}

void channel_send_error(struct buf *out, const struct error *err)
{
        unsigned char payload[4 + sizeof(err->text)];
        size_t len = strlen(err->text);

        protocol_put_u32(payload, (uint32_t)err->code);
        memcpy(payload + 4, err->text, len);
        protocol_add(out, PROTOCOL_ERROR, payload, 4 + len);
}

bool channel_is_full(const struct monitor *m)
{
        return m->out.len > FULL || m->is_suspended;
}

int channel_flush(struct monitor *m)
{
        size_t sent = 0;

        if (buf_failed(&m->out))
                return -ENOMEM;
        while (sent < m->out.len) {
                ssize_t n = send(m->agent, m->out.data + sent, m->out.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EAGAIN)
                        break;
                if (n < 0 && errno != EINTR)
                        return -errno;
                sent += n > 0 ? (size_t)n : 0;
        }
        if (sent == 0)
                return 0;
        memmove(m->out.data, m->out.data + sent, m->out.len - sent);
        m->out.len -= sent;
        if (!m->out.len)
                buf_finish(&m->out);
        return 0;
}

/* What the agent says of a session that is over has crossed our word of it. */
static int take(struct monitor *m, const struct frame *f)
{
        if (f->type == PROTOCOL_HELLO)
                return -EPROTO;
        if (f->session == SESSION_PROGRAM)
                return program_take(m, f);
        return client_take(m, f);
}

int channel_take(struct monitor *m)
{
        struct frame f;
        int r = 0;

        while (r >= 0 && (r = protocol_next(&m->in, &f)) > 0)
                r = take(m, &f);
        protocol_reader_rest(&m->in);
        return r;
}

int channel_receive(struct monitor *m)
{
        ssize_t n = protocol_receive(&m->in, m->agent, ROOM);

        if (n <= 0)
                return n == -EAGAIN ? 0 : n < 0 ? (int)n : -EPIPE;
        return channel_take(m);
}

/* ---- the console ---- */

void console_read(struct monitor *m)
{
        char chunk[1024];
        ssize_t n = recv(m->console, chunk, sizeof(chunk), MSG_DONTWAIT);
        size_t keep;

        if (n <= 0) {
                if (n == 0 || (errno != EAGAIN && errno != EINTR))
                        close(take_fd(&m->console));
                return;
        }
        keep = m->said_len + (size_t)n > MONITOR_CONSOLE ? MONITOR_CONSOLE - (size_t)n : m->said_len;
        memmove(m->said, m->said + m->said_len - keep, keep);
        memcpy(m->said + keep, chunk, (size_t)n);
        m->said_len = keep + (size_t)n;
        m->said[m->said_len] = '\0';
}

/* The kernel's word on a panic, if there is one; nothing but printable characters. */
const char *console_last(const struct monitor *m)
{
        static char line[160];
        const char *at = strstr(m->said, "Kernel panic");
        size_t n = 0;

        if (!at) {
                at = m->said + m->said_len;
                while (at > m->said && (at[-1] == '\n' || at[-1] == '\r'))
                        at--;
                while (at > m->said && at[-1] != '\n')
                        at--;
        }
        for (; *at && *at != '\n' && *at != '\r' && n < sizeof(line) - 1; at++)
                line[n++] = (char)(*at < ' ' || *at > '~' ? '?' : *at);
        line[n] = '\0';
        return line;
}
