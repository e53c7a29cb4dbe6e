/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "base/rfc3339.h"
#include "cli/instance_select.h"
#include "cli/logs_journal.h"
#include "cli/timestamp.h"
#include "instance/log_options.h"
#include "instance/log_read.h"
#include "instance/protocol.h"
#include "instance/shim_client.h"
#include "sys/fd.h"

/* What is put together before it is written. */
enum { MAX_PENDING = 64 << 10 };
static const int64_t second = 1000000000;

struct logs {
        bool follow, timestamps;
        int64_t tail;         /* -1: all */
        int64_t since, until; /* ns; 0: none */
        struct log_reader reader;
        struct buf out;
        enum log_stream stream; /* of what is in out */
        struct error *err;
};

/* ---- options ---- */

/* As Docker: a time, or how long ago it was. */
static int read_time(const struct args *a, unsigned option, int64_t *ret, struct error *err)
{
        const char *text = args_str(a, option);
        int64_t seconds = 0;

        if (!text)
                return 0;
        if (rfc3339_parse_ns(text, ret) == 0)
                return 0;
        if (timestamp_parse_any(text, time(NULL), &seconds, err) < 0)
                return -EMISUSED;
        *ret = seconds * second;
        return 0;
}

static int read_options(const struct args *a, struct logs *l, struct error *err)
{
        const char *tail = args_str(a, OPTION_TAIL);
        uint32_t n;
        int r;

        l->follow = args_flag(a, OPTION_FOLLOW);
        l->timestamps = args_flag(a, OPTION_TIMESTAMPS);
        l->tail = -1;
        /* Docker takes what is no number, "all" above all, for all. */
        if (tail && strcmp(tail, "all") != 0 && strcmp(tail, "-1") != 0) {
                if (parse_u32(tail, 10, &n) < 0)
                        return error_set(err, EMISUSED, "--tail \"%s\": expected a number or \"all\"", tail);
                l->tail = n;
        }
        r = read_time(a, OPTION_SINCE, &l->since, err);
        return r == 0 ? read_time(a, OPTION_UNTIL, &l->until, err) : r;
}

/* ---- what is shown ---- */

static int flush(void *userdata)
{
        struct logs *l = userdata;
        int fd = l->stream == LOG_STDOUT ? STDOUT_FILENO : STDERR_FILENO, r;

        if (buf_failed(&l->out))
                return error_set(l->err, ENOMEM, "out of memory");
        r = l->out.len ? fd_write_all(fd, l->out.data, l->out.len) : 0;
        l->out.len = 0;
        return r < 0 ? error_errno(l->err, -r, "write the log") : 0;
}

/* 1: what comes is younger than --until. */
static int show(void *userdata, const struct log_entry *entry)
{
        struct logs *l = userdata;
        char when[RFC3339_MAX];
        int r = 0;

        if (l->until && entry->time > l->until)
                return 1;
        if (l->since && entry->time < l->since)
                return 0;
        if (entry->stream != l->stream || l->out.len > MAX_PENDING)
                r = flush(l);
        l->stream = entry->stream;
        if (l->timestamps) {
                rfc3339_write(entry->time, when);
                buf_addf(&l->out, "%s ", when);
        }
        buf_add(&l->out, entry->text, entry->len);
        return r;
}

static int show_all(struct logs *l)
{
        int r = log_reader_each(&l->reader, show, l, l->err);
        int flushed = r < 0 ? r : flush(l);

        return flushed < 0 ? flushed : r;
}

/* ---- --follow ---- */

/* A connection that says when the instance has ended, or -1: it has. */
static int ask_for_end(struct engine *e, const struct instance *i)
{
        const unsigned char what = WAIT_FOR_EXIT;
        struct error ignored;
        own_fd int shim = instance_is_running(i) ? shim_connect(e, i, &ignored) : -1;

        return shim >= 0 && protocol_send(shim, PROTOCOL_WAIT, &what, sizeof what) == 0 ? take_fd(&shim) : -1;
}

/* True when it was EXITED, or the shim is gone. */
static bool has_ended(int shim)
{
        unsigned char payload[PROTOCOL_MAX_STATE + 1];
        struct frame f;

        return protocol_receive_one(shim, &f, payload) <= 0 || f.type == PROTOCOL_EXITED;
}

/* Milliseconds; -1: for ever. */
static int time_left(const void *userdata)
{
        const struct logs *l = userdata;
        struct timespec t;
        int64_t left;

        if (!l->until)
                return -1;
        clock_gettime(CLOCK_REALTIME, &t);
        left = (l->until - t.tv_sec * second - t.tv_nsec) / 1000000 + 1;
        return left < 0 ? 0 : left < INT32_MAX ? (int)left : INT32_MAX;
}

/* Until there may be more; 1 when nothing more will come. */
static int wait_for_more(struct logs *l, int shim, int watch)
{
        char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        struct pollfd p[] = { { .fd = shim, .events = POLLIN }, { .fd = watch, .events = POLLIN } };
        int n = poll(p, ARRAY_SIZE(p), time_left(l));

        if (n < 0)
                return errno == EINTR ? 0 : error_errno(l->err, errno, "wait for the log");
        if (n == 0)
                return 1;
        if (p[1].revents)
                (void)!read(watch, events, sizeof events);
        return p[0].revents && has_ended(shim);
}

static int follow(struct logs *l, struct engine *e, const struct instance *i)
{
        own_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), shim = -1;
        bool ended;
        int r;

        if (watch < 0 || inotify_add_watch(watch, i->path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
                return error_errno(l->err, errno, "watch %s", i->path);
        shim = ask_for_end(e, i);
        ended = shim < 0;
        for (;;) {
                r = show_all(l);
                if (r != 0 || ended)
                        return r;
                r = wait_for_more(l, shim, watch);
                if (r < 0)
                        return r;
                ended = r > 0;
        }
}

/* ---- */

static int show_journal(struct logs *l, struct engine *e, const struct instance *i, struct error *err)
{
        own_fd int shim = l->follow ? ask_for_end(e, i) : -1;
        const struct logs_journal j = { .query = { .id = i->id,
                                                   .tail = l->tail,
                                                   .since = l->since / second,
                                                   .until = l->until / second,
                                                   .after = "",
                                                   .follow = l->follow },
                                        .shim = shim,
                                        .has_ended = has_ended,
                                        .time_left = time_left,
                                        .show = show,
                                        .flush = flush,
                                        .userdata = l };

        l->err = err;
        return logs_journal_show(&j, err);
}

static int show_log(struct logs *l, struct engine *e, struct instance *i, struct error *err)
{
        struct log_options o;
        int r = log_options_parse(i->options.log_driver, i->options.log_opt, &o, err);

        if (r < 0)
                return r;
        if (o.driver == LOG_JOURNALD)
                return show_journal(l, e, i, err);
        if (o.driver == LOG_NONE)
                return error_set(err, ENODATA, "%s has the log driver none: nothing is kept", i->name);
        log_reader_open(&l->reader, i->fd, l->tail);
        l->err = err;
        r = l->follow ? follow(l, e, i) : show_all(l);
        log_reader_close(&l->reader);
        return r < 0 ? r : 0;
}

int cmd_logs(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        struct logs l = {};
        int r = read_options(&inv->args, &l, err);

        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        if (r == 0)
                r = show_log(&l, &e, i, err);
        buf_finish(&l.out);
        return r;
}
