/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/host_message.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/own.h"
#include "registry/transfer_protocol.h"
#include "sys/fd.h"

enum { PROGRESS_SLOTS = 64, PROGRESS_INTERVAL_MS = 50 };

struct progress_slot { /* what was said last of an id */
        char id[80];
        enum host_progress_state state;
        int64_t said_ms;
};

struct host {
        int sock;
        bool debug;
        pthread_mutex_t lock; /* one request at a time, and its answer */
        struct progress_slot progress[PROGRESS_SLOTS];
        size_t next_slot;
        char answer[TRANSFER_MAX_MESSAGE];
};

struct host *host_new(int sock)
{
        struct host *h = calloc(1, sizeof *h);

        if (!h)
                return NULL;
        h->sock = sock;
        pthread_mutex_init(&h->lock, NULL);
        return h;
}

void host_want_debug(struct host *h)
{
        h->debug = true;
}

void host_free(struct host *h)
{
        if (!h)
                return;
        pthread_mutex_destroy(&h->lock);
        free(h);
}

void host_answer_finish(struct host_answer *a)
{
        json_put(a->json);
        for (size_t i = 0; i < ARRAY_SIZE(a->fds); i++)
                if (a->fds[i] >= 0)
                        close(a->fds[i]);
        *a = (struct host_answer){ .fds = { -1, -1 } };
}

static void begin(struct host_request *q, const char *kind, const char *name)
{
        *q = (struct host_request){};
        q->writer.out = &q->text;
        json_begin_object(&q->writer, NULL);
        json_write_string(&q->writer, kind, name);
}

void host_ask_begin(struct host_request *q, const char *name)
{
        begin(q, "ask", name);
}

static int send_request(struct host *h, struct host_request *q, const int *fds, size_t n_fds, struct error *err)
{
        int r;

        json_end_object(&q->writer);
        if (buf_failed(&q->text))
                r = error_set(err, ENOMEM, "out of memory");
        else if (q->text.len > TRANSFER_MAX_MESSAGE)
                r = error_set(err, EMSGSIZE, "a message of %zu bytes is too long", q->text.len);
        else
                r = fd_send(h->sock, q->text.data, q->text.len, fds, n_fds);
        if (r == -EPIPE)
                r = error_set(err, EPIPE, "holt has gone away");
        else if (r < 0 && r != -ENOMEM && r != -EMSGSIZE)
                r = error_errno(err, -r, "tell holt");
        buf_finish(&q->text);
        return r;
}

static int read_error(struct json_object *o, struct error *err)
{
        const char *text = "no reason was given";
        uint64_t code = EIO;

        json_get_u64(o, "code", &code, NULL);
        json_get_string(o, "text", &text, NULL);
        return error_set(err, code > 0 && code < 4096 ? (int)code : EIO, "%s", text);
}

static int read_answer(const char *text, size_t len, struct json_object **ret, struct error *err)
{
        struct json_object *error = NULL;
        int r = json_parse(text, len, ret, err);

        if (r == 0)
                r = json_get_object(*ret, "error", &error, err);
        if (r < 0)
                return error_wrap(err, "answer of holt");
        return error ? read_error(error, err) : 0;
}

static int receive_answer(struct host *h, size_t want, struct host_answer *ret, struct error *err)
{
        struct host_answer a = { .fds = { -1, -1 } };
        size_t n_fds = ARRAY_SIZE(a.fds);
        ssize_t n = fd_receive(h->sock, h->answer, sizeof h->answer, a.fds, &n_fds);
        int r = n > 0 ? read_answer(h->answer, (size_t)n, &a.json, err) : error_set(err, EPIPE, "holt has gone away");

        if (r == 0 && n_fds < want)
                r = error_set(err, EBADMSG, "answer of holt: a descriptor is missing");
        if (r < 0)
                host_answer_finish(&a);
        else
                *ret = a;
        return r;
}

int host_ask(struct host *h, struct host_request *q, const int *fds, size_t n_fds, size_t want, struct host_answer *ret,
             struct error *err)
{
        int r;

        pthread_mutex_lock(&h->lock);
        r = send_request(h, q, fds, n_fds, err);
        if (r == 0)
                r = receive_answer(h, want, ret, err);
        pthread_mutex_unlock(&h->lock);
        return r;
}

static int tell(struct host *h, struct host_request *q, struct error *err)
{
        int r;

        pthread_mutex_lock(&h->lock);
        r = send_request(h, q, NULL, 0, err);
        pthread_mutex_unlock(&h->lock);
        return r;
}

static int64_t now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct progress_slot *find_slot(struct host *h, const char *id)
{
        struct progress_slot *slot;

        for (size_t i = 0; i < PROGRESS_SLOTS; i++)
                if (strcmp(h->progress[i].id, id) == 0)
                        return &h->progress[i];
        slot = &h->progress[h->next_slot++ % PROGRESS_SLOTS];
        *slot = (struct progress_slot){ .state = HOST_WAITING, .said_ms = INT64_MIN / 2 };
        snprintf(slot->id, sizeof slot->id, "%.79s", id);
        return slot;
}

static bool worth_saying(struct host *h, const char *id, enum host_progress_state state)
{
        struct progress_slot *slot;
        int64_t now = now_ms();
        bool worth;

        pthread_mutex_lock(&h->lock);
        slot = find_slot(h, id);
        worth = slot->state != state || now - slot->said_ms >= PROGRESS_INTERVAL_MS;
        if (worth) {
                slot->state = state;
                slot->said_ms = now;
        }
        pthread_mutex_unlock(&h->lock);
        return worth;
}

void host_progress(struct host *h, const char *id, enum host_progress_state state, uint64_t done, uint64_t total)
{
        static const char *const names[] = {
                [HOST_WAITING] = "waiting",   [HOST_EXISTS] = "exists", [HOST_TRANSFERRING] = "transferring",
                [HOST_RETRYING] = "retrying", [HOST_DONE] = "done",     [HOST_MOUNTED] = "mounted",
        };
        struct host_request q;

        if (!worth_saying(h, id, state))
                return;
        begin(&q, "tell", "progress");
        json_write_string(&q.writer, "id", id);
        json_write_string(&q.writer, "state", names[state]);
        json_write_u64(&q.writer, "done", done);
        json_write_u64(&q.writer, "total", total);
        tell(h, &q, NULL);
}

static void tell_text(struct host *h, const char *kind, const char *format, va_list args)
{
        struct host_request q;
        char text[600];

        vsnprintf(text, sizeof text, format, args);
        begin(&q, "tell", kind);
        json_write_string(&q.writer, "text", text);
        tell(h, &q, NULL);
}

void host_warning(struct host *h, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        tell_text(h, "warning", format, args);
        va_end(args);
}

void host_debug(struct host *h, const char *format, ...)
{
        va_list args;

        if (!h->debug)
                return;
        va_start(args, format);
        tell_text(h, "debug", format, args);
        va_end(args);
}

int host_result(struct host *h, const char *json, struct error *err)
{
        struct host_request q;

        begin(&q, "tell", "result");
        json_write_raw(&q.writer, "result", json);
        return tell(h, &q, err);
}

int host_end(struct host *h, const struct error *err)
{
        struct host_request q;

        begin(&q, "tell", "end");
        if (err) {
                json_begin_object(&q.writer, "error");
                json_write_i64(&q.writer, "code", err->code);
                json_write_string(&q.writer, "text", err->text);
                json_end_object(&q.writer);
        }
        return tell(h, &q, NULL);
}
