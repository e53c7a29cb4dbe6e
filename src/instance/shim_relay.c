/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a shim and a person. A frame of output is written as far as our standard output takes it, and the next is
 * received when it is away: so who stops reading holds the program back, and keys and signals still go through. When
 * the program is gone and its output stays, a signal is ours.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/detach_keys.h"
#include "instance/protocol.h"
#include "instance/shim_client.h"
#include "instance/shim_frames.h"
#include "instance/user_terminal.h"
#include "sys/terminal.h"

/* READER_TIME: ms for which somebody who takes nothing is waited for after a signal that was the program's end. */
enum { ROOM = 64 << 10, INPUT_CHUNK = 16 << 10, READER_TIME = 2000 };

struct relay {
        int shim;
        const struct attach_options *options;
        struct user_terminal terminal;
        struct detach_keys keys;
        struct protocol_reader reader;
        uint32_t window;     /* bytes of input that may still be sent */
        bool input_ended;    /* or is not wanted */
        int to;              /* where the rest of a frame of output goes; -1: there is none */
        struct frame output; /* that rest */
        int fds[3];          /* our standard streams; where they are a terminal, opened again */
        size_t at_once[3];   /* how much may be written to our standard streams without waiting */
        bool proxies;        /* signals are passed on; who has a terminal types them */
        int passed_on;       /* a signal that ends; 0 */
        bool exited, detached;
        int64_t deadline; /* CLOCK_MONOTONIC, ns; 0: none */
        bool is_gone;     /* the shim: there is nobody to pass on to */
        struct instance_state state;
};

/* ---- from the program ---- */

/* A pipe that is ready has room for as much. */
static size_t find_at_once(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? SSIZE_MAX : PIPE_BUF;
}

static void open_outputs(struct relay *r)
{
        for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
                int again = terminal_open_again(fd);

                r->fds[fd] = again >= 0 ? again : fd;
                r->at_once[fd] = find_at_once(fd);
        }
}

static void close_outputs(const struct relay *r)
{
        for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
                if (r->fds[fd] != fd)
                        close(r->fds[fd]);
}

static int write_output(struct relay *r, struct error *err)
{
        size_t len = r->output.len < r->at_once[r->to] ? r->output.len : r->at_once[r->to];
        ssize_t n = write(r->fds[r->to], r->output.payload, len);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : error_errno(err, errno, "write the program's output");
        r->output.payload += n;
        r->output.len -= (uint32_t)n;
        if (!r->output.len)
                r->to = -1;
        return 0;
}

static int handle_frame(struct relay *r, const struct frame *f, struct error *err)
{
        switch (f->type) {
        case PROTOCOL_STDOUT:
        case PROTOCOL_STDERR:
                if (!(f->type == PROTOCOL_STDOUT ? r->options->no_output : r->options->no_errors)) {
                        r->output = *f;
                        r->to = f->type == PROTOCOL_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
                }
                return 0;
        case PROTOCOL_WINDOW:
                r->window += protocol_u32(f->payload);
                return 0;
        case PROTOCOL_EXITED:
                r->exited = true;
                return shim_take_state(f, &r->state, err);
        default:
                /* The answer to a signal that came too late, a state. */
                return 0;
        }
}

/* Frames that were received, up to one of output. */
static int handle_frames(struct relay *r, struct error *err)
{
        struct frame f;
        int n = 0;

        while (r->to < 0 && !r->exited && (n = protocol_next(&r->reader, &f)) > 0) {
                n = handle_frame(r, &f, err);
                if (n < 0)
                        return n;
        }
        return n < 0 ? error_errno(err, -n, "understand the shim") : 0;
}

static int receive(struct relay *r, struct error *err)
{
        ssize_t n = protocol_receive(&r->reader, r->shim, ROOM);

        if (n == 0)
                return error_set(err, EPIPE,
                                 r->options->is_machine ? "the machine of %s has ended" : "the shim of %s has died",
                                 r->options->name);
        return n < 0 ? error_errno(err, (int)-n, "talk to the shim") : 0;
}

/* ---- to the program ---- */

/* That the shim is gone is seen when it is read from. */
static void tell(struct relay *r, unsigned type, const void *payload, size_t len)
{
        (void)protocol_send(r->shim, type, payload, len);
}

static void send_input(struct relay *r)
{
        unsigned char typed[INPUT_CHUNK], out[INPUT_CHUNK + DETACH_KEYS_MAX];
        size_t want = r->window - DETACH_KEYS_MAX < sizeof typed ? r->window - DETACH_KEYS_MAX : sizeof typed, len;
        ssize_t n = read(STDIN_FILENO, typed, want);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                r->input_ended = true;
                tell(r, PROTOCOL_END, NULL, 0);
                return;
        }
        r->detached = detach_keys_filter(&r->keys, typed, (size_t)n, out, &len);
        if (len)
                tell(r, PROTOCOL_STDIN, out, len);
        r->window -= (uint32_t)len;
}

static void send_size(struct relay *r, unsigned more)
{
        unsigned char size[4];
        struct winsize w;

        if (!r->options->tty || ioctl(STDIN_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_row || !w.ws_col)
                return;
        protocol_put_u16(size, (uint16_t)(w.ws_row + more));
        protocol_put_u16(size + 2, (uint16_t)(w.ws_col + more));
        tell(r, PROTOCOL_RESIZE, size, sizeof size);
}

static void handle_signal(struct relay *r)
{
        int signo = user_terminal_signal(&r->terminal);
        unsigned char number[4];

        if (signo == SIGWINCH) {
                send_size(r, 0);
        } else if (signo && r->proxies && !r->is_gone) {
                if (signo == SIGTERM || signo == SIGINT || signo == SIGHUP || signo == SIGQUIT)
                        r->passed_on = signo;
                protocol_put_u32(number, (uint32_t)signo);
                tell(r, PROTOCOL_SIGNAL, number, sizeof number);
        } else if (signo) {
                user_terminal_die(&r->terminal, signo);
        }
}

/* ---- time ---- */

static int64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* In ms; -1: for ever. Who was signalled and is gone has a while to read. */
static int time_left(const struct relay *r)
{
        int64_t left = r->deadline ? r->deadline - now() : 0;

        if (r->to >= 0 && r->is_gone && r->passed_on)
                return READER_TIME;
        return !r->deadline ? -1 : left < 0 ? 0 : (int)(left / 1000000) + 1;
}

static int expire(struct relay *r, struct error *err)
{
        unsigned char number[4];

        protocol_put_u32(number, SIGKILL);
        tell(r, PROTOCOL_SIGNAL, number, sizeof number);
        return error_set(err, ETIMEDOUT, "it took too long, and was killed");
}

/* ---- both ---- */

static int step(struct relay *r, struct error *err)
{
        bool reads = !r->input_ended && r->window > DETACH_KEYS_MAX, writes = r->to >= 0;
        struct pollfd p[] = { { .fd = writes && r->is_gone ? -1 : r->shim, .events = writes ? 0 : POLLIN },
                              { .fd = r->terminal.signals, .events = POLLIN },
                              { .fd = reads ? STDIN_FILENO : -1, .events = POLLIN },
                              { .fd = writes ? r->fds[r->to] : -1, .events = POLLOUT } };
        int n = poll(p, ARRAY_SIZE(p), time_left(r));

        if (n < 0)
                return errno == EINTR ? 0 : error_errno(err, errno, "wait for the shim");
        if (r->deadline && now() >= r->deadline)
                return expire(r, err);
        if (n == 0 && r->passed_on)
                user_terminal_die(&r->terminal, r->passed_on);
        n = 0;
        if (p[1].revents)
                handle_signal(r);
        if (p[2].revents)
                send_input(r);
        if (p[0].revents && writes)
                r->is_gone = true;
        else if (p[0].revents)
                n = receive(r, err);
        if (n == 0 && p[3].revents)
                n = write_output(r, err);
        return n == 0 ? handle_frames(r, err) : n;
}

static int relay(struct relay *r, struct error *err)
{
        int n = 0;

        /* A program that is there already draws itself anew when its terminal changes. */
        if (r->options->redraw)
                send_size(r, 1);
        send_size(r, 0);
        while (n == 0 && !r->exited && !r->detached)
                n = step(r, err);
        return n;
}

int shim_relay(int shim, const struct attach_options *o, enum attach_end *ret_end, int *ret_exit, struct error *err)
{
        struct relay r = { .shim = shim,
                           .options = o,
                           .to = -1,
                           .input_ended = !o->input,
                           .deadline = o->timeout ? now() + o->timeout : 0,
                           .proxies = o->proxy_signals && !o->tty };
        int n = 0;

        /* Only from a terminal to a terminal: elsewhere these bytes are as good as any. */
        if (o->tty && isatty(STDIN_FILENO))
                n = detach_keys_parse(o->detach_keys, &r.keys, err);
        if (n == 0)
                n = user_terminal_open(&r.terminal, o->tty && o->input, r.proxies, err);
        if (n == 0) {
                open_outputs(&r);
                n = relay(&r, err);
                close_outputs(&r);
                user_terminal_close(&r.terminal);
        }
        protocol_reader_finish(&r.reader);
        if (n < 0)
                return n;
        *ret_end = r.exited ? ATTACH_EXITED : ATTACH_DETACHED;
        if (r.exited)
                *ret_exit = r.state.exit_code;
        return 0;
}
