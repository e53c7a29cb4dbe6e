/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks. A probe is a process of its own: it enters the instance as exec does and ends with the exit status of
 * the test. What it says is kept, the last five times, in RUN/instances/ID/health, as `inspect` shows it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/own.h"
#include "base/rfc3339.h"
#include "shim/shim.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_TEXT = 4096, TIMED_OUT = 255 };

/* After its timeout the probe kills the test and says so: it gets a little time for that. */
static const int64_t grace = 5000000000;

/* Whether a program that was started then may still be busy with its start. */
static bool is_starting(const struct shim *s, int64_t time)
{
        return s->state.health == HEALTH_STARTING && time - s->state.started < s->job.health.start_period;
}

static void plan_next(struct shim *s)
{
        const struct health_options *h = &s->job.health;

        s->probe_at = shim_now() + (is_starting(s, shim_time()) ? h->start_interval : h->interval);
}

void health_begin(struct shim *s)
{
        if (!s->job.health.test || !s->backend->exec)
                return;
        s->state.health = HEALTH_STARTING;
        s->state.health_failures = 0;
        plan_next(s);
}

static void forget_probe(struct shim *s)
{
        s->probe.pid = 0;
        s->probe_ends = 0;
        if (s->probe.out >= 0)
                close(take_fd(&s->probe.out));
        buf_finish(&s->probe.text);
}

void health_stop(struct shim *s)
{
        s->probe_at = 0;
        if (s->probe.pid)
                kill(s->probe.pid, SIGKILL);
        forget_probe(s);
}

/* ---- the probe ---- */

static int run_test(const struct shim *s, struct error *err)
{
        const struct health_options *h = &s->job.health;
        const char *shell[] = { "/bin/sh", "-c", h->test[1], NULL };
        bool by_shell = strcmp(h->test[0], "CMD-SHELL") == 0;
        const struct exec_request x = { .args = by_shell ? shell : h->test + 1, .timeout = h->timeout };
        struct engine e = { .root = (char *)s->root, .run = (char *)s->run };
        struct instance i = {};
        int exit_code = TIMED_OUT, r;

        if (!h->test[1])
                return error_set(err, EINVAL, "the health check has no command");
        snprintf(i.id, sizeof i.id, "%s", s->id);
        r = s->backend->exec(&e, &i, &x, &exit_code, err);
        return r < 0 ? r : exit_code;
}

static _Noreturn void become_probe(const struct shim *s, int out)
{
        own_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        struct error err;
        int r;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        process_reset_signals();
        if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
                _exit(TIMED_OUT);
        close_range(3, ~0U, 0);
        r = run_test(s, &err);
        if (r < 0)
                dprintf(1, "%s", r == -ETIMEDOUT ? "Health check exceeded timeout" : err.text);
        _exit(r < 0 ? TIMED_OUT : r);
}

void health_probe(struct shim *s)
{
        const struct clone_options o = { .cgroup_fd = -1 };
        int ends[2];

        plan_next(s);
        if ((s->backend->is_paused && s->backend->is_paused(s->run, s->id, NULL) > 0) || pipe2(ends, O_CLOEXEC) < 0)
                return;
        s->probe_at = 0;
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        s->probe.started = shim_time();
        s->probe.pid = process_clone(&o);
        if (s->probe.pid == 0)
                become_probe(s, ends[1]);
        close(ends[1]);
        s->probe.out = ends[0];
        s->probe_ends = shim_now() + s->job.health.timeout + grace;
        if (s->probe.pid < 0)
                health_result(s, TIMED_OUT);
}

/* It may have children that hold the pipe: the end of the probe counts, not of what it says. */
void health_read(struct shim *s)
{
        char text[1024];
        ssize_t n = read(s->probe.out, text, sizeof text);

        if (n > 0 && s->probe.text.len < MAX_TEXT)
                buf_add(&s->probe.text, text, (size_t)n);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                close(take_fd(&s->probe.out));
}

void health_expire(struct shim *s)
{
        s->probe_ends = 0;
        kill(s->probe.pid, SIGKILL);
}

/* ---- the result ---- */

/* In the place of the oldest. */
static void add_to_log(struct shim *s, int exit_code)
{
        struct buf *last = &s->health_log[HEALTH_LOG - 1];
        struct json_writer w = { .out = last };
        char when[RFC3339_MAX];

        buf_finish(&s->health_log[0]);
        memmove(s->health_log, s->health_log + 1, sizeof s->health_log - sizeof *s->health_log);
        *last = (struct buf){};
        if (s->probe.text.len > MAX_TEXT)
                s->probe.text.data[MAX_TEXT] = '\0';
        json_begin_object(&w, NULL);
        rfc3339_write(s->probe.started, when);
        json_write_string(&w, "Start", when);
        rfc3339_write(shim_time(), when);
        json_write_string(&w, "End", when);
        json_write_i64(&w, "ExitCode", exit_code == TIMED_OUT ? -1 : exit_code);
        json_write_string(&w, "Output", buf_str(&s->probe.text));
        json_end_object(&w);
}

static void write_log(const struct shim *s)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        json_write_string(&w, "Status", instance_health_name(s->state.health));
        json_write_u64(&w, "FailingStreak", s->state.health_failures);
        json_begin_array(&w, "Log");
        for (size_t i = 0; i < HEALTH_LOG; i++) {
                if (s->health_log[i].len)
                        json_write_raw(&w, NULL, buf_str(&s->health_log[i]));
        }
        json_end_array(&w);
        json_end_object(&w);
        if (!buf_failed(&text))
                fd_replace_file_at(s->lock, "health", text.data, text.len, 0644);
}

/* As Docker: within the start period a failure counts only after the first success. */
static enum instance_health judge(struct shim *s, int exit_code)
{
        const struct health_options *h = &s->job.health;

        if (exit_code == 0) {
                s->state.health_failures = 0;
                return HEALTH_HEALTHY;
        }
        if (is_starting(s, s->probe.started))
                return HEALTH_STARTING;
        s->state.health_failures++;
        return s->state.health_failures >= h->retries ? HEALTH_UNHEALTHY : s->state.health;
}

void health_result(struct shim *s, int exit_code)
{
        enum instance_health before = s->state.health;
        char action[40];

        while (s->probe.out >= 0 && s->probe.text.len < MAX_TEXT) {
                size_t len = s->probe.text.len;

                health_read(s);
                if (s->probe.text.len == len)
                        break;
        }
        s->state.health = judge(s, exit_code);
        add_to_log(s, exit_code);
        write_log(s);
        forget_probe(s);
        plan_next(s);
        shim_publish(s);
        if (s->state.health == before)
                return;
        snprintf(action, sizeof action, "health_status: %s", instance_health_name(s->state.health));
        shim_event(s, action, NULL, NULL);
}
