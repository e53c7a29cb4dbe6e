/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/own.h"
#include "sys/process.h"
#include "sys/stream.h"
#include "sys/terminal.h"

enum { STDIO = 3 };

struct session *session_find(const struct agent *a, uint16_t number)
{
        for (size_t i = 0; i < a->n_sessions; i++) {
                if (a->sessions[i]->number == number)
                        return a->sessions[i];
        }
        return NULL;
}

static void close_all(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
        }
}

void session_free(struct session *s)
{
        const int fds[] = { s->in, s->out[0] != s->in ? s->out[0] : -1, s->out[1], s->slave };

        close_all(fds, ARRAY_SIZE(fds));
        buf_finish(&s->input);
        free(s);
}

/* ---- its streams ---- */

/* The program's ends, and ours, which do not block. */
static int make_input(struct session *s, bool interactive, int *program, struct error *err)
{
        if (interactive)
                return stream_pipe(true, program, &s->in, err);
        *program = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return *program < 0 ? error_errno(err, errno, "open /dev/null") : 0;
}

static int make_streams(struct session *s, bool interactive, int program[STDIO], struct error *err)
{
        int r;

        if (s->tty)
                return 0;
        r = make_input(s, interactive, &program[0], err);
        if (r == 0)
                r = stream_pipe(false, &program[1], &s->out[0], err);
        return r == 0 ? stream_pipe(false, &program[2], &s->out[1], err) : r;
}

static void take_terminal(struct session *s, int master)
{
        fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
        s->in = s->out[0] = master;
        s->slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

void session_resize(const struct session *s, uint16_t rows, uint16_t columns)
{
        if (s->tty && s->in >= 0)
                terminal_set_size(s->in, rows, columns);
}

/* ---- its beginning ---- */

static struct session *session_new(struct agent *a, uint16_t number, const struct workload_request *r,
                                   struct error *err)
{
        struct session *s = a->n_sessions < AGENT_MAX_SESSIONS ? calloc(1, sizeof *s) : NULL;

        if (!s) {
                error_set(err, EAGAIN, "there are too many sessions");
                return NULL;
        }
        *s = (struct session){
                .number = number,
                .kind = r->kind,
                .tty = r->tty,
                .in = -1,
                .out = { -1, -1 },
                .slave = -1,
                .freezes = r->kind == WORKLOAD_ERRAND && r->freeze,
        };
        return s;
}

static int start_program(struct agent *a, struct session *s, const struct workload_request *request, struct error *err)
{
        int program[STDIO] = { -1, -1, -1 }, master = -1;
        int r = make_streams(s, request->interactive, program, err);

        if (r == 0)
                r = a->workload->start(a->userdata, request, program, &s->pid, &master, err);
        close_all(program, STDIO);
        if (r == 0 && master >= 0)
                take_terminal(s, master);
        return r;
}

static int start(struct agent *a, uint16_t number, const struct frame *f, struct error *err)
{
        own_workload_request struct workload_request request = {};
        struct session *s;
        int r = workload_request_read(f->payload, f->len, &request, err);

        if (r == 0 && !a->is_configured)
                r = error_set(err, EINVAL, "the guest has not been configured");
        if (r < 0)
                return r;
        s = session_new(a, number, &request, err);
        if (!s)
                return -err->code;
        r = start_program(a, s, &request, err);
        if (r < 0) {
                session_free(s);
                return r;
        }
        a->sessions[a->n_sessions++] = s;
        channel_send(&a->channel, number, PROTOCOL_STARTED, "{}", 2);
        input_begin(a, s);
        return 0;
}

void session_start(struct agent *a, uint16_t number, const struct frame *f)
{
        struct error err;

        if (start(a, number, f, &err) < 0)
                channel_send_error(&a->channel, number, &err);
}

/* ---- its end ---- */

void session_reap(struct agent *a, pid_t pid, int status)
{
        for (size_t i = 0; i < a->n_sessions; i++) {
                struct session *s = a->sessions[i];

                if (s->pid != pid)
                        continue;
                s->pid = 0;
                s->exit = process_exit_status(status);
                if (s->freezes)
                        a->workload->thaw(a->userdata);
                if (s->kind != WORKLOAD_CONTAINER)
                        continue;
                s->oom = a->workload->oom_killed(a->userdata);
                a->is_unclean = true;
        }
}

static void tell_end(struct agent *a, const struct session *s)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        json_write_i64(&w, "exit", s->exit);
        if (s->oom)
                json_write_bool(&w, "oom", true);
        json_end_object(&w);
        channel_send(&a->channel, s->number, PROTOCOL_EXITED, text.data, text.len);
}

void session_close_ended(struct agent *a)
{
        size_t kept = 0;

        for (size_t i = 0; i < a->n_sessions; i++) {
                struct session *s = a->sessions[i];

                if (!s->pid && output_read_rest(a, s)) {
                        tell_end(a, s);
                        session_free(s);
                } else {
                        a->sessions[kept++] = s;
                }
        }
        a->n_sessions = kept;
}
