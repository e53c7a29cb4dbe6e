/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/monitor.h"

static void grant(struct monitor *m, uint32_t bytes)
{
        unsigned char window[4];

        protocol_put_u32(window, bytes);
        channel_send(m, PROTOCOL_WINDOW, SESSION_PROGRAM, window, sizeof(window));
        m->output_granted += bytes;
}

void program_begin(struct monitor *m)
{
        m->reads_input = true;
        m->output[0].fd = STDOUT_FILENO;
        m->output[1].fd = m->job.tty ? -1 : STDERR_FILENO;
        grant(m, PROTOCOL_WINDOW_SIZE);
}

/* ---- output ---- */

/* Not each few bytes anew, and nothing to one that does not hear it. */
static void grant_again(struct monitor *m)
{
        if (m->ungranted < PROTOCOL_WINDOW_SIZE / 2 || m->has_exited || channel_is_full(m))
                return;
        grant(m, m->ungranted);
        m->ungranted = 0;
}

static void write_some(struct monitor *m, struct monitor_output *o)
{
        ssize_t n = o->fd < 0 ? (ssize_t)o->pending.len : write(o->fd, o->pending.data, o->pending.len);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n < 0) {
                o->fd = -1;
                n = (ssize_t)o->pending.len;
        }
        memmove(o->pending.data, o->pending.data + n, o->pending.len - (size_t)n);
        o->pending.len -= (size_t)n;
        m->ungranted += (uint32_t)n;
        if (!o->pending.len)
                buf_finish(&o->pending);
}

static int take_output(struct monitor *m, const struct frame *f)
{
        struct monitor_output *o = &m->output[f->type == PROTOCOL_STDERR];

        if (f->len > m->output_granted || f->len == 0)
                return -EPROTO;
        m->output_granted -= f->len;
        buf_add(&o->pending, f->payload, f->len);
        if (buf_failed(&o->pending))
                return -ENOMEM;
        write_some(m, o);
        return 0;
}

static int take_exit(struct monitor *m, const struct frame *f)
{
        own_json struct json_object *json = NULL;
        struct error ignored;
        uint32_t code = 255;

        if (json_parse((const char *)f->payload, f->len, &json, &ignored) < 0 || !json_is_object(json) ||
            json_get_u32(json, "exit", &code, &ignored) <= 0)
                return -EPROTO;
        m->has_exited = true;
        m->exit_code = (int)(code & 255);
        return 0;
}

/* It never has more on its way than one window. */
static int take_window(struct monitor *m, uint32_t more)
{
        if (more == 0 || more > PROTOCOL_WINDOW_SIZE - m->input_granted)
                return -EPROTO;
        m->input_granted += more;
        return 0;
}

int program_take(struct monitor *m, const struct frame *f)
{
        if (m->has_exited)
                return -EPROTO;
        switch (f->type) {
        case PROTOCOL_STDOUT:
        case PROTOCOL_STDERR:
                return take_output(m, f);
        case PROTOCOL_WINDOW:
                return take_window(m, protocol_u32(f->payload));
        case PROTOCOL_EXITED:
                return take_exit(m, f);
        case PROTOCOL_DONE:
        case PROTOCOL_ERROR: /* of a signal: the program has ended, and says so next */
                return 0;
        default:
                return -EPROTO;
        }
}

bool program_is_over(const struct monitor *m)
{
        return m->has_exited && !m->output[0].pending.len && !m->output[1].pending.len;
}

/* ---- input ---- */

static void read_some(struct monitor *m)
{
        char chunk[8192];
        size_t room = m->input_granted < sizeof(chunk) ? m->input_granted : sizeof(chunk);
        ssize_t n = read(STDIN_FILENO, chunk, room);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n > 0) {
                m->input_granted -= (uint32_t)n;
                channel_send(m, PROTOCOL_STDIN, SESSION_PROGRAM, chunk, (size_t)n);
                return;
        }
        m->reads_input = false;
        channel_send(m, PROTOCOL_END, SESSION_PROGRAM, NULL, 0);
}

void program_poll(const struct monitor *m, struct pollfd p[3])
{
        bool reads = m->reads_input && m->input_granted && !m->has_exited && !channel_is_full(m);

        p[0] = (struct pollfd){ .fd = reads ? STDIN_FILENO : -1, .events = POLLIN };
        for (size_t i = 0; i < ARRAY_SIZE(m->output); i++)
                p[i + 1] = (struct pollfd){ .fd = m->output[i].pending.len ? m->output[i].fd : -1, .events = POLLOUT };
}

void program_step(struct monitor *m, const struct pollfd p[3])
{
        if (p[0].fd >= 0 && p[0].revents)
                read_some(m);
        for (size_t i = 0; i < ARRAY_SIZE(m->output); i++) {
                if (p[i + 1].fd >= 0 && p[i + 1].revents)
                        write_some(m, &m->output[i]);
        }
        grant_again(m);
}

/* ---- the rest ---- */

void program_signal(struct monitor *m, int signo)
{
        unsigned char payload[4];

        protocol_put_u32(payload, (uint32_t)signo);
        channel_send(m, PROTOCOL_SIGNAL, SESSION_PROGRAM, payload, sizeof(payload));
}

void program_resize(struct monitor *m)
{
        struct winsize size;
        unsigned char payload[4];

        if (!m->job.tty || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
                return;
        protocol_put_u16(payload, size.ws_row);
        protocol_put_u16(payload + 2, size.ws_col);
        channel_send(m, PROTOCOL_RESIZE, SESSION_PROGRAM, payload, sizeof(payload));
}
