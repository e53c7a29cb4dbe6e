/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "vm/layer_disk.h"

enum { ENTROPY = 64 };

static int64_t clock_ns(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int has_died(const struct monitor *m, struct error *err)
{
        const char *last = console_last(m);

        return error_set(err, EIO, "the guest died while it was booting%s%s", *last ? ": " : "", last);
}

/* Waits for a frame, and reads the console meanwhile. */
static int next(struct monitor *m, struct frame *ret, struct error *err)
{
        int64_t deadline = clock_ns(CLOCK_MONOTONIC) + MONITOR_BOOT_MS * 1000000LL;

        for (;;) {
                struct pollfd p[] = { { .fd = m->agent, .events = (short)(POLLIN | (m->out.len ? POLLOUT : 0)) },
                                      { .fd = m->console, .events = POLLIN } };
                int64_t left = (deadline - clock_ns(CLOCK_MONOTONIC)) / 1000000;
                int r = protocol_next(&m->in, ret);

                if (r > 0)
                        return 0;
                if (r < 0)
                        return error_set(err, EPROTO, "the guest's agent says nothing sensible");
                if (left <= 0)
                        return error_set(err, ETIMEDOUT, "the guest's agent does not answer: %s", console_last(m));
                if (poll(p, ARRAY_SIZE(p), (int)left) < 0 && errno != EINTR)
                        return error_errno(err, errno, "wait for the guest");
                if (p[1].revents)
                        console_read(m);
                if (p[0].revents & POLLOUT && channel_flush(m) < 0)
                        return has_died(m, err);
                if (!(p[0].revents & (POLLIN | POLLHUP | POLLERR)))
                        continue;
                r = (int)protocol_receive(&m->in, m->agent, PROTOCOL_MAX_DATA);
                if (r == 0 || (r < 0 && r != -EAGAIN)) {
                        console_read(m);
                        return has_died(m, err);
                }
        }
}

static int refused(const struct frame *f, const char *what, struct error *err)
{
        if (f->type != PROTOCOL_ERROR || f->len < 4)
                return error_set(err, EPROTO, "the guest's agent says nothing sensible to %s", what);
        return error_set(err, (int)protocol_u32(f->payload) & 4095, "%.*s", (int)f->len - 4,
                         (const char *)f->payload + 4);
}

/* ---- what the guest shall be ---- */

static void write_entropy(struct json_writer *w)
{
        unsigned char bytes[ENTROPY];
        char hex[2 * ENTROPY + 1];
        size_t have = 0;

        while (have < sizeof(bytes)) {
                ssize_t n = getrandom(bytes + have, sizeof(bytes) - have, 0);

                have += n > 0 ? (size_t)n : 0;
        }
        for (size_t i = 0; i < sizeof(bytes); i++) {
                hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
                hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
        }
        hex[sizeof(hex) - 1] = '\0';
        json_write_string(w, "entropy", hex);
        explicit_bzero(bytes, sizeof(bytes));
        explicit_bzero(hex, sizeof(hex));
}

static void write_disks(const struct monitor *m, struct json_writer *w)
{
        json_begin_array(w, "layers");
        for (size_t i = 0; i < m->job.n_layers; i++)
                json_write_u64(w, NULL, m->job.layers[i] / LAYER_DISK_SECTOR);
        json_end_array(w);
        if (m->job.modules)
                json_write_u64(w, "modules", m->job.modules_size / LAYER_DISK_SECTOR);
        json_write_bool(w, "disk", m->job.disk);
        json_write_bool(w, "shares", m->job.n_shares);
}

/* A copy has its disks already. */
static void write_configuration(const struct monitor *m, bool is_copy, struct buf *out)
{
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        for (size_t i = 0; i < json_member_count(m->job.guest); i++) {
                struct json_object *v = json_member_at(m->job.guest, i);

                json_write_value(&w, json_key(v), v);
        }
        json_write_i64(&w, "time", clock_ns(CLOCK_REALTIME));
        write_entropy(&w);
        if (!is_copy)
                write_disks(m, &w);
        json_end_object(&w);
}

static void send_configuration(struct monitor *m, bool is_copy)
{
        own_buf struct buf text = {};

        write_configuration(m, is_copy, &text);
        channel_send(m, is_copy ? PROTOCOL_RESUME : PROTOCOL_CONFIGURE, SESSION_GUEST, text.data, text.len);
        m->out.failed |= buf_failed(&text);
        if (text.data)
                explicit_bzero(text.data, text.len);
}

static int await_configuration(struct monitor *m, struct error *err)
{
        struct frame f = {};
        int r = next(m, &f, err);

        if (r == 0 && f.type != PROTOCOL_DONE)
                r = refused(&f, "how it is set up", err);
        return r < 0 ? error_wrap(err, "set up the guest") : 0;
}

/* ---- the program ---- */

static void send_start(struct monitor *m)
{
        own_buf struct buf payload = {}, spec = {};
        unsigned char length[4];
        char head[64];
        int n = snprintf(head, sizeof(head), "{\"what\":\"container\",\"tty\":%s}", m->job.tty ? "true" : "false");

        json_add_value(&spec, m->job.spec);
        protocol_put_u32(length, (uint32_t)n);
        buf_add(&payload, length, sizeof(length));
        buf_add(&payload, head, (size_t)n);
        buf_add(&payload, spec.data, spec.len);
        channel_send(m, PROTOCOL_START, SESSION_PROGRAM, payload.data, payload.len);
        m->out.failed |= buf_failed(&spec) || buf_failed(&payload);
}

/* Its first words may come before those of the agent: that it takes input. */
static int await_start(struct monitor *m, struct error *err)
{
        struct frame f = {};
        int r;

        do
                r = next(m, &f, err);
        while (r == 0 && f.type == PROTOCOL_WINDOW && f.session == SESSION_PROGRAM && program_take(m, &f) == 0);
        return r == 0 && f.type != PROTOCOL_STARTED ? refused(&f, "START", err) : r;
}

/* ---- another one ---- */

static void send_process(struct monitor *m, const char *program, const char *option)
{
        own_buf struct buf payload = {}, head = {};
        unsigned char length[4];

        buf_addf(&head, "{\"what\":\"process\",\"args\":[\"%s\",\"%s\"],\"cwd\":\"/\"}", program, option);
        protocol_put_u32(length, (uint32_t)head.len);
        buf_add(&payload, length, sizeof(length));
        buf_add(&payload, head.data, head.len);
        channel_send(m, PROTOCOL_START, SESSION_FIRST_CLIENT, payload.data, payload.len);
        m->out.failed |= buf_failed(&head) || buf_failed(&payload);
}

int monitor_run_beside(struct monitor *m, const char *program, const char *option, struct error *err)
{
        struct frame f = {};
        int r;

        send_process(m, program, option);
        do {
                r = buf_failed(&m->out) ? error_set(err, ENOMEM, "out of memory") : next(m, &f, err);
                if (r == 0 && f.session == SESSION_PROGRAM && program_take(m, &f) < 0)
                        r = error_set(err, EPROTO, "the guest's agent says nothing sensible");
                if (r == 0 && f.session == SESSION_FIRST_CLIENT && f.type == PROTOCOL_ERROR)
                        r = refused(&f, "START", err);
        } while (r == 0 && (f.session != SESSION_FIRST_CLIENT || f.type != PROTOCOL_EXITED));
        return r;
}

/* Both at once: an agent that could not do the first refuses the second. */
int monitor_start_program(struct monitor *m, struct error *err)
{
        int r;

        send_configuration(m, false);
        if (m->job.spec)
                send_start(m);
        if (buf_failed(&m->out))
                return error_set(err, ENOMEM, "out of memory");
        r = monitor_start_share(m, false, err);
        if (r == 0)
                r = await_configuration(m, err);
        return r == 0 && m->job.spec ? await_start(m, err) : r;
}

int monitor_resume_program(struct monitor *m, struct error *err)
{
        int r = monitor_start_share(m, true, err);

        send_configuration(m, true);
        if (r == 0 && buf_failed(&m->out))
                return error_set(err, ENOMEM, "out of memory");
        return r == 0 ? await_configuration(m, err) : r;
}

/* ---- the guest ---- */

int monitor_await_agent(struct monitor *m, struct error *err)
{
        struct frame f = {};
        unsigned char version[4];
        int r;

        protocol_put_u32(version, PROTOCOL_VERSION);
        channel_send(m, PROTOCOL_HELLO, SESSION_GUEST, version, sizeof(version));
        r = next(m, &f, err);
        if (r == 0 && (f.type != PROTOCOL_HELLO || protocol_u32(f.payload) != PROTOCOL_VERSION))
                r = error_set(err, EPROTO, "the guest's agent speaks another version");
        return r;
}

int monitor_ask_agent(struct monitor *m, enum protocol_type type, struct error *err)
{
        struct frame f = {};
        int r;

        channel_send(m, type, SESSION_GUEST, NULL, 0);
        r = next(m, &f, err);
        return r == 0 && f.type != PROTOCOL_DONE ? refused(&f, "what it was asked", err) : r;
}

int monitor_boot(struct monitor *m, struct error *err)
{
        static const struct qemu_start how = { .memory = -1 };
        int r = monitor_start_qemu(m, &how, err);

        if (r == 0)
                r = monitor_await_agent(m, err);
        if (r == 0)
                r = qmp_open(&m->qmp, MONITOR_BOOT_MS, err);
        return r == 0 ? monitor_start_program(m, err) : r;
}
