/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/qmp.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/own.h"
#include "sys/fd.h"

void qmp_finish(struct qmp *q)
{
        buf_finish(&q->input);
        q->taken = 0;
        q->asked = q->heard = 0;
}

static int64_t now_ms(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* ---- lines ---- */

static int receive(struct qmp *q, int64_t deadline, struct error *err)
{
        struct pollfd p[] = { { .fd = q->fd, .events = POLLIN },
                              { .fd = q->meanwhile ? q->meanwhile->fd : -1, .events = POLLIN } };
        char chunk[4096];
        int64_t left = deadline - now_ms();
        ssize_t n;
        /* One that never stops talking answers as little as one that is silent. */
        int r = left < 0 ? 0 : poll(p, ARRAY_SIZE(p), (int)left);

        if (r == 0)
                return error_set(err, ETIMEDOUT, "QEMU does not answer");
        if (r > 0 && q->meanwhile && p[1].revents & POLLIN)
                return q->meanwhile->step(q->meanwhile, err);
        n = r < 0 ? -1 : recv(q->fd, chunk, sizeof(chunk), 0);
        if (n < 0)
                return errno == EINTR ? 0 : error_errno(err, errno, "hear QEMU");
        if (n == 0)
                return error_set(err, EPIPE, "QEMU has gone");
        buf_add(&q->input, chunk, (size_t)n);
        if (buf_failed(&q->input))
                return error_set(err, ENOMEM, "out of memory");
        if (q->input.len - q->taken > QMP_MAX_LINE && !memchr(q->input.data + q->taken, '\n', QMP_MAX_LINE))
                return error_set(err, EPROTO, "QEMU says too much");
        return 0;
}

static void forget_taken(struct qmp *q)
{
        if (q->taken == 0)
                return;
        memmove(q->input.data, q->input.data + q->taken, q->input.len - q->taken);
        q->input.len -= q->taken;
        q->taken = 0;
}

/* The next line's document. */
static int next(struct qmp *q, int64_t deadline, struct json_object **ret, struct error *err)
{
        for (;;) {
                char *start = q->input.data + q->taken;
                char *end = q->input.len > q->taken ? memchr(start, '\n', q->input.len - q->taken) : NULL;
                int r;

                if (end) {
                        q->taken += (size_t)(end - start) + 1;
                        r = json_parse(start, (size_t)(end - start), ret, err);
                        if (r == 0 && json_is_object(*ret))
                                return 0;
                        if (r == 0)
                                json_put(*ret);
                        *ret = NULL;
                        return error_set(err, EPROTO, "QEMU says nothing sensible");
                }
                forget_taken(q);
                r = receive(q, deadline, err);
                if (r < 0)
                        return r;
        }
}

/* 1: it was an event, and event() wants no more; 0: one that goes on; -1: it was none. */
static int event(struct qmp *q, struct json_object *line)
{
        struct json_object *data = NULL;
        const char *name = NULL;
        struct error ignored;

        if (json_get_string(line, "event", &name, &ignored) <= 0)
                return -1;
        json_get_object(line, "data", &data, &ignored);
        return q->event && q->event(name, data, q->userdata) ? 1 : 0;
}

/* ---- commands ---- */

/* Whoever has no more patience for an answer must not take it for that of his next command: each has a number, which its
 * answer repeats. */
static int send_text(struct qmp *q, struct buf *text, const int *fds, size_t n_fds, struct error *err)
{
        int r;

        buf_addf(text, ",\"id\":%" PRIu64 "}\n", q->asked + 1);
        r = buf_failed(text) ? -ENOMEM : fd_send(q->fd, text->data, text->len, fds, n_fds);
        if (r < 0)
                return error_errno(err, -r, "tell QEMU");
        q->asked++;
        return 0;
}

int qmp_send(struct qmp *q, const char *command, const char *arguments, struct error *err)
{
        own_buf struct buf text = {};

        buf_addf(&text, "{\"execute\":\"%s\"", command);
        if (arguments)
                buf_addf(&text, ",\"arguments\":%s", arguments);
        return send_text(q, &text, NULL, 0, err);
}

int qmp_send_descriptor(struct qmp *q, const char *name, int fd, struct error *err)
{
        own_buf struct buf text = {};

        buf_addf(&text, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"%s\"}", name);
        return send_text(q, &text, &fd, 1, err);
}

int qmp_send_file(struct qmp *q, size_t set, int fd, struct error *err)
{
        own_buf struct buf text = {};

        buf_addf(&text, "{\"execute\":\"add-fd\",\"arguments\":{\"fdset-id\":%zu}", set);
        return send_text(q, &text, &fd, 1, err);
}

static int refused(struct json_object *line, const char *command, struct error *err)
{
        struct json_object *why = NULL;
        const char *text = "no reason given";
        struct error ignored;

        if (json_get_object(line, "error", &why, &ignored) > 0)
                json_get_string(why, "desc", &text, &ignored);
        return error_set(err, EIO, "QEMU: %s: %s", command, text);
}

int qmp_answer(struct qmp *q, const char *command, int timeout, struct json_object **ret_root, struct error *err)
{
        int64_t deadline = now_ms() + timeout;
        uint64_t wanted = ++q->heard;

        for (;;) {
                own_json struct json_object *line = NULL;
                uint64_t id = 0;
                bool answered;
                int r = next(q, deadline, &line, err);

                if (r < 0 || !line)
                        return r;
                if (event(q, line) >= 0)
                        continue;
                if (json_get_u64(line, "id", &id, err) <= 0 || id > wanted)
                        return error_set(err, EPROTO, "QEMU answers what it was not asked");
                if (id < wanted)
                        continue;
                answered = false;
                for (size_t i = 0; i < json_member_count(line); i++)
                        answered |= strcmp(json_key(json_member_at(line, i)), "return") == 0;
                if (!answered)
                        return refused(line, command, err);
                if (ret_root)
                        *ret_root = take_ptr(line);
                return 0;
        }
}

int qmp_execute(struct qmp *q, const char *command, const char *arguments, int timeout, struct json_object **ret_root,
                struct error *err)
{
        int r = qmp_send(q, command, arguments, err);

        if (r < 0)
                return r;
        q->heard = q->asked - 1;
        return qmp_answer(q, command, timeout, ret_root, err);
}

int qmp_begin(struct qmp *q, struct error *err)
{
        return qmp_send(q, "qmp_capabilities", NULL, err);
}

/* {"qemu": {"major", "minor", "micro"}, "package"} */
static void copy_version(struct json_object *from, const char *key, char *ret, size_t size)
{
        struct json_object *version = NULL, *numbers = NULL;
        uint32_t major = 0, minor = 0, micro = 0;
        const char *package = "";
        struct error ignored;

        if (json_get_object(from, key, &version, &ignored) <= 0 ||
            json_get_object(version, "qemu", &numbers, &ignored) <= 0)
                return;
        json_get_u32(numbers, "major", &major, &ignored);
        json_get_u32(numbers, "minor", &minor, &ignored);
        json_get_u32(numbers, "micro", &micro, &ignored);
        json_get_string(version, "package", &package, &ignored);
        snprintf(ret, size, "%u.%u.%u%s%s", major, minor, micro, *package ? " " : "", package);
}

int qmp_greet(struct qmp *q, int timeout, char *ret_version, size_t size, struct error *err)
{
        own_json struct json_object *greeting = NULL;
        struct json_object *hello = NULL;
        struct error ignored;
        int r = next(q, now_ms() + timeout, &greeting, err);

        if (r < 0 || !greeting)
                return r;
        if (json_get_object(greeting, "QMP", &hello, &ignored) <= 0)
                return error_set(err, EPROTO, "QEMU does not greet");
        if (ret_version)
                copy_version(hello, "version", ret_version, size);
        return qmp_answer(q, "qmp_capabilities", timeout, NULL, err);
}

int qmp_version(struct qmp *q, int timeout, char *ret, size_t size, struct error *err)
{
        own_json struct json_object *answer = NULL;
        int r = qmp_execute(q, "query-version", NULL, timeout, &answer, err);

        if (r == 0)
                copy_version(answer, "return", ret, size);
        return r;
}

int qmp_open(struct qmp *q, int timeout, struct error *err)
{
        int r = qmp_begin(q, err);

        return r < 0 ? r : qmp_greet(q, timeout, NULL, 0, err);
}

int qmp_wait(struct qmp *q, int timeout, struct error *err)
{
        int64_t deadline = now_ms() + timeout;

        for (;;) {
                own_json struct json_object *line = NULL;
                int r = next(q, deadline, &line, err);

                if (r < 0 || !line)
                        return r;
                if (event(q, line) > 0)
                        return 0;
        }
}
