/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/own.h"
#include "shim/shim.h"
#include "sys/stream.h"
#include "sys/terminal.h"

/* A program that runs for so long will go on for a while: 1 s. */
static const int64_t quiet = 1000000000;

/* ---- the program ---- */

/* The program's ends, and ours, which do not block. */
/* One that is started again after its input has ended gets an end at once. */
static int make_input(struct shim *s, int *program, struct error *err)
{
        int r;

        if (!s->job.interactive) {
                *program = open("/dev/null", O_RDONLY | O_CLOEXEC);
                return *program < 0 ? error_errno(err, errno, "open /dev/null") : 0;
        }
        r = stream_pipe(true, program, &s->in, err);
        if (r == 0 && s->input_ended)
                close(take_fd(&s->in));
        return r;
}

static int make_streams(struct shim *s, int program[3], struct error *err)
{
        int r;

        if (s->job.tty)
                return 0;
        r = make_input(s, &program[0], err);
        if (r == 0)
                r = stream_pipe(false, &program[1], &s->out[0], err);
        return r == 0 ? stream_pipe(false, &program[2], &s->out[1], err) : r;
}

static void take_terminal(struct shim *s, int master)
{
        fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
        s->in = s->out[0] = master;
        s->slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (s->rows || s->columns)
                terminal_set_size(master, s->rows, s->columns);
}

int shim_start(struct shim *s, struct error *err)
{
        int program[3] = { -1, -1, -1 }, master = -1, r;

        r = make_streams(s, program, err);
        if (r == 0)
                r = s->pidfd = s->backend->start(s->run, s->id, s->path, &s->start, program, &s->pid, &master, err);
        for (size_t i = 0; i < ARRAY_SIZE(program); i++) {
                if (program[i] >= 0)
                        close(program[i]);
        }
        if (r < 0) {
                s->pid = 0;
                output_close(s);
                return r;
        }
        if (master >= 0)
                take_terminal(s, master);
        return 0;
}

void shim_note_start(struct shim *s)
{
        s->phase = SHIM_RUNNING;
        s->state.status = INSTANCE_RUNNING;
        s->state.pid = s->pid;
        s->state.started = shim_time();
        s->state.oom_killed = false;
        s->state.error[0] = '\0';
        s->ran_since = shim_now();
        s->shrink_at = s->ran_since + quiet;
        health_begin(s);
        shim_publish(s);
}

/* ---- the job ---- */

static int take_descriptors(struct shim *s, struct client *c, struct error *err)
{
        size_t first = (size_t)s->job.has_root + s->job.has_netns, named = first + s->job.n_given;

        s->start.root = s->start.netns = -1;
        if (c->in.n_fds < named)
                return error_set(err, EINVAL, "the job lacks descriptors");
        s->start.root = s->job.has_root ? c->in.fds[0] : -1;
        s->start.netns = s->job.has_netns ? c->in.fds[first - 1] : -1;
        s->start.given = c->in.fds + first;
        s->start.n_given = s->job.n_given;
        s->start.pins = c->in.fds + named;
        s->start.n_pins = c->in.n_fds - named;
        s->start.by_systemd = s->job.by_systemd;
        s->start.starts_again = s->job.restart.kind != RESTART_NO;
        /* They are ours to the end. */
        s->fds = c->in.fds;
        c->in.fds = NULL;
        c->in.n_fds = 0;
        return 0;
}

static int take_job(struct shim *s, struct client *c, const struct frame *f, struct error *err)
{
        const char *config;
        size_t len;
        int r = shim_job_read(f->payload, f->len, &s->job, &config, &len, err);

        if (r < 0)
                return r;
        s->backend = backend_find(s->job.backend);
        if (!s->backend || !s->backend->start)
                return error_set(err, EINVAL, "isolation \"%s\" is not known", s->job.backend);
        buf_add(&s->start.config, config, len);
        if (buf_failed(&s->start.config))
                return error_set(err, ENOMEM, "out of memory");
        s->state = s->job.before;
        s->state.stopped = false;
        s->state.restarts = 0;
        log_open(&s->log, &s->job.log, s->dir, s->id, s->job.name, s->job.image);
        return take_descriptors(s, c, err);
}

/* It gets all of the output, and is granted input as by ATTACH. */
static void attach_starter(struct shim *s, struct client *c)
{
        unsigned char window[4];

        c->attached = s->job.attach;
        c->waits_for = WAIT_FOR_EXIT;
        c->starts = s->job.attach;
        c->has_input = s->job.attach && s->job.interactive;
        if (!c->has_input)
                return;
        c->granted = PROTOCOL_WINDOW_SIZE;
        protocol_put_u32(window, c->granted);
        client_send(c, PROTOCOL_WINDOW, window, sizeof window);
}

void shim_take_job(struct shim *s, struct client *c, const struct frame *f)
{
        struct error err;
        int r = take_job(s, c, f, &err);

        c->in.may_start = false;
        if (r == 0)
                r = shim_start(s, &err);
        if (r < 0) {
                client_send_error(c, &err);
                s->phase = SHIM_ENDING;
                return;
        }
        shim_note_start(s);
        client_send_state(s, c, PROTOCOL_STARTED);
        attach_starter(s, c);
        if (!s->start.starts_again)
                buf_finish(&s->start.config);
        if (!s->job.remove)
                instance_state_reserve(s->dir);
}
