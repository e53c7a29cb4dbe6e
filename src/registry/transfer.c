/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/transfer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"
#include "registry/transfer_process.h"
#include "registry/transfer_service.h"
#include "sys/fd.h"

struct session {
        struct transfer_service service;
        int sock;
        bool ended;          /* the last word was said */
        int result;          /* of the job */
        struct error *error; /* of the job */
        char message[TRANSFER_MAX_MESSAGE + 1];
};

static int start_job(int sock, const char *job, const char *parameters, int fd, bool debug, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r;

        json_begin_object(&w, NULL);
        json_write_string(&w, "job", job);
        json_write_raw(&w, "parameters", parameters);
        if (debug)
                json_write_bool(&w, "debug", true);
        json_end_object(&w);
        if (buf_failed(&text) || text.len > TRANSFER_MAX_MESSAGE)
                return error_set(err, EMSGSIZE, "the parameters of %s are too long", job);
        r = fd_send(sock, text.data, text.len, &fd, fd >= 0);
        return r < 0 ? error_errno(err, -r, "start holt-fetch") : 0;
}

static int send_reply(struct session *s, int r, const struct error *error, struct service_reply *reply,
                      const struct buf *text, struct error *err)
{
        own_buf struct buf failure = {};
        struct json_writer w = { .out = &failure };

        if (r >= 0 && (buf_failed(text) || text->len > TRANSFER_MAX_MESSAGE))
                return error_set(err, EMSGSIZE, "an answer for holt-fetch is too long");
        if (r < 0) {
                json_begin_object(&w, NULL);
                json_begin_object(&w, "error");
                json_write_i64(&w, "code", error->code);
                json_write_string(&w, "text", error->text);
                json_end_object(&w);
                json_end_object(&w);
                text = &failure;
        }
        r = fd_send(s->sock, buf_str(text), text->len, reply->fds, r < 0 ? 0 : reply->n_fds);
        /* A holt-fetch that is gone is noticed by the next message that does not come. */
        return r < 0 && r != -EPIPE ? error_errno(err, -r, "answer holt-fetch") : 0;
}

static int answer(struct session *s, struct json_object *request, const int *fds, size_t n_fds, struct error *err)
{
        own_buf struct buf text = {};
        struct service_reply reply = { .w = { .out = &text } };
        struct error error = {};
        int r;

        json_begin_object(&reply.w, NULL);
        json_write_bool(&reply.w, "ok", true);
        r = transfer_answer(&s->service, request, fds, n_fds, &reply, &error);
        json_end_object(&reply.w);
        r = send_reply(s, r, &error, &reply, &text, err);
        for (size_t i = 0; i < reply.n_fds; i++)
                close(reply.fds[i]);
        explicit_bzero(text.data, text.len);
        return r;
}

static void take_progress(const struct transfer *t, struct json_object *m)
{
        struct transfer_progress p = { .id = "", .state = "" };

        if (t->progress && json_get_string(m, "id", &p.id, NULL) >= 0 &&
            json_get_string(m, "state", &p.state, NULL) >= 0 && json_get_u64(m, "done", &p.done, NULL) >= 0 &&
            json_get_u64(m, "total", &p.total, NULL) >= 0)
                t->progress(t->userdata, &p);
}

static void take_end(struct session *s, struct json_object *m)
{
        struct json_object *error = NULL;
        const char *text = "holt-fetch failed";
        uint64_t code = EIO;

        s->ended = true;
        if (json_get_object(m, "error", &error, NULL) != 1)
                return;
        json_get_u64(error, "code", &code, NULL);
        json_get_string(error, "text", &text, NULL);
        s->result = error_set(s->error, code > 0 && code < 4096 ? (int)code : EIO, "%s", text);
}

static int take_told(struct session *s, struct json_object *m, const char *what, struct error *err)
{
        const struct transfer *t = s->service.transfer;
        struct json_object *result = NULL;
        const char *text = NULL;

        if (strcmp(what, "progress") == 0)
                take_progress(t, m);
        else if (strcmp(what, "warning") == 0 && t->warning && json_get_string(m, "text", &text, NULL) == 1)
                t->warning(t->userdata, text);
        else if (strcmp(what, "debug") == 0 && json_get_string(m, "text", &text, NULL) == 1)
                transfer_debug(t, "holt-fetch: %s", text);
        else if (strcmp(what, "result") == 0 && t->result && json_get_object(m, "result", &result, NULL) == 1)
                return t->result(t->userdata, result) == 0 ? 0 : error_set(err, ECANCELED, "stopped");
        else if (strcmp(what, "end") == 0)
                take_end(s, m);
        return 0;
}

static int take_message(struct session *s, size_t len, const int *fds, size_t n_fds, struct error *err)
{
        own_json struct json_object *m = NULL;
        const char *what = NULL;
        int r = json_parse(s->message, len, &m, err);

        if (r == 0 && !json_is_object(m))
                r = error_set(err, EBADMSG, "no object");
        if (r == 0)
                r = json_get_string(m, "tell", &what, err);
        if (r < 0)
                return error_wrap(err, "message of holt-fetch");
        return what ? take_told(s, m, what, err) : answer(s, m, fds, n_fds, err);
}

/* Serves holt-fetch until it has said its last word or is gone. */
static int serve(struct session *s, struct error *err)
{
        int r = 0;

        while (r == 0 && !s->ended) {
                int fds[TRANSFER_MAX_FDS];
                size_t n_fds = ARRAY_SIZE(fds);
                ssize_t n = fd_receive(s->sock, s->message, TRANSFER_MAX_MESSAGE, fds, &n_fds);

                if (n < 0)
                        return error_errno(err, (int)-n, "hear from holt-fetch");
                if (n == 0)
                        return 0;
                r = take_message(s, (size_t)n, fds, n_fds, err);
                for (size_t i = 0; i < n_fds; i++)
                        close(fds[i]);
        }
        return r;
}

int transfer_run(const struct transfer *t, const char *job, const char *parameters, int fd, struct error *err)
{
        own_transfer_process struct transfer_process process = { .pidfd = -1 };
        own_mem struct session *s = calloc(1, sizeof *s);
        own_fd int sock = -1;
        int r;

        if (!s)
                return error_set(err, ENOMEM, "out of memory");
        s->service.transfer = t;
        s->error = err;
        r = transfer_limits_read(job, parameters, &s->service.limits, err);
        if (r == 0)
                r = transfer_process_start(&process, &sock, err);
        s->sock = sock;
        if (r == 0) {
                transfer_debug(t, "process %d runs %s: %s %s", (int)process.pid, process.path, job, parameters);
                r = start_job(sock, job, parameters, fd, t->debug, err);
        }
        if (r == 0)
                r = serve(s, err);
        if (r == 0 && !s->ended)
                r = transfer_process_lost(&process, err);
        transfer_service_finish(&s->service);
        return r < 0 ? r : s->result;
}
