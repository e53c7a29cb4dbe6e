/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/event_filter.h"
#include "cli/image_lookup.h"
#include "cli/template.h"
#include "cli/text_line.h"
#include "cli/timestamp.h"
#include "instance/event_log.h"

enum { NS_PER_MS = 1000000, NS_PER_SEC = 1000000000 };

struct events {
        struct event_filter filter;
        struct template *template; /* NULL: lines for people */
        bool json;                 /* Docker's API and Docker's templates call the same things differently */
        struct buf out;
        struct error *err;
};

struct sorted_names {
        const char **items;
        size_t n;
};

static int add_name(const char *key, struct json_object *value, void *userdata)
{
        struct sorted_names *names = userdata;

        names->items[names->n++] = key;
        return 0;
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "2024-05-01T12:00:00.000000000+02:00 container die ID (exitCode=0, name=web)" */
static int add_line(struct buf *out, const struct event_view *v, struct error *err)
{
        own_mem const char **items = calloc(json_member_count(v->attributes) + 1, sizeof *items);
        struct sorted_names names = { .items = items };
        char at[TIMESTAMP_MAX];

        if (!items)
                return error_set(err, ENOMEM, "out of memory");
        json_each(v->attributes, add_name, &names);
        qsort(items, names.n, sizeof *items, compare);
        timestamp_nano(v->time, at);
        buf_addf(out, "%s %s ", at, v->type);
        text_add_line(out, v->action, 0);
        buf_add_str(out, " ");
        text_add_line(out, v->id, 0);
        for (size_t i = 0; i < names.n; i++) {
                const char *value = event_view_attribute(v, items[i]);

                buf_add_str(out, i ? ", " : " (");
                text_add_line(out, items[i], 0);
                buf_add_str(out, "=");
                text_add_line(out, value ? value : "", 0);
        }
        buf_add_str(out, names.n ? ")\n" : "\n");
        return 0;
}

/* status, id and from are what there was before Docker had other than containers and images. */
static void write_event(const struct events *e, const struct event_view *v, struct json_writer *w)
{
        bool container = strcmp(v->type, "container") == 0, old = container || strcmp(v->type, "image") == 0;
        const char *image = event_view_attribute(v, "image");

        json_begin_object(w, NULL);
        if (old || !e->json) {
                json_write_string(w, e->json ? "status" : "Status", old ? v->action : "");
                json_write_string(w, e->json ? "id" : "ID", old ? v->id : "");
        }
        if ((container && image) || !e->json)
                json_write_string(w, e->json ? "from" : "From", container && image ? image : "");
        json_write_string(w, "Type", v->type);
        json_write_string(w, "Action", v->action);
        json_begin_object(w, "Actor");
        json_write_string(w, "ID", v->id);
        json_write_value(w, "Attributes", v->attributes);
        json_end_object(w);
        json_write_string(w, e->json ? "scope" : "Scope", "local");
        json_write_i64(w, e->json ? "time" : "Time", v->time / NS_PER_SEC);
        json_write_i64(w, e->json ? "timeNano" : "TimeNano", v->time);
        json_end_object(w);
}

static int add_templated(struct events *e, const struct event_view *v)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf row = {};
        struct json_writer w = { .out = &row };
        int r;

        write_event(e, v, &w);
        r = buf_failed(&row) ? error_set(e->err, ENOMEM, "out of memory")
                             : json_parse(buf_str(&row), row.len, &json, e->err);
        if (r == 0)
                r = template_execute(e->template, json, &e->out, e->err);
        buf_add_str(&e->out, "\n");
        return r;
}

/* What is no event is another version's, or torn: it keeps nobody from the rest. */
static int on_event(void *userdata, const char *line, size_t len)
{
        own_json struct json_object *json = NULL;
        struct events *e = userdata;
        struct event_view v;
        int r;

        if (json_parse(line, len, &json, NULL) < 0 || event_view_read(json, &v, NULL) < 0)
                return 0;
        if (!event_filter_matches(&e->filter, &v))
                return 0;
        r = e->template ? add_templated(e, &v) : add_line(&e->out, &v, e->err);
        if (r == 0 && (buf_failed(&e->out) || e->out.len > 1 << 16)) {
                r = output_write(&e->out, e->err);
                e->out.len = 0;
        }
        return r;
}

/* Milliseconds, rounded up, -1 for ever. */
static int time_left(int64_t until)
{
        struct timespec t;
        int64_t ns;

        if (until == INT64_MAX)
                return -1;
        clock_gettime(CLOCK_REALTIME, &t);
        ns = until - ((int64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec);
        if (ns <= 0)
                return 0;
        return ns / NS_PER_MS >= INT_MAX ? INT_MAX : (int)(ns / NS_PER_MS) + 1;
}

/* 0: it is over, 1: there may be something new. */
static int wait_for_more(const struct events *e, const struct event_log *log)
{
        struct pollfd fds[] = { { .fd = event_log_fd(log), .events = POLLIN }, { .fd = STDOUT_FILENO } };
        int left = time_left(e->filter.until), r = left ? poll(fds, ARRAY_SIZE(fds), left) : 0;

        if (r < 0)
                return errno == EINTR ? 1 : error_errno(e->err, errno, "poll");
        /* Nobody reads it any more. */
        return fds[1].revents & (POLLERR | POLLNVAL) ? 0 : left != 0;
}

static int follow(struct events *e, const char *run, bool stream, bool past, struct error *err)
{
        own_event_log struct event_log *log = NULL;
        int r = event_log_open(run, past, &log, err);

        if (r < 0)
                return r;
        do {
                r = event_log_read(log, on_event, e, err);
                if (r == 0 && e->out.len)
                        r = output_write(&e->out, err);
                e->out.len = 0;
                if (r == 0)
                        r = stream ? wait_for_more(e, log) : 0;
        } while (r > 0);
        return r;
}

static int events(struct events *e, struct invocation *inv, struct error *err)
{
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        bool stream = !args_has(&inv->args, OPTION_STREAM) || args_flag(&inv->args, OPTION_STREAM);
        bool past = !stream || args_has(&inv->args, OPTION_SINCE) || args_has(&inv->args, OPTION_UNTIL);
        own_store struct store *store = NULL;
        int r = event_filter_open(&e->filter, &inv->args, err);

        e->json = format && strcmp(format, "json") == 0;
        if (r == 0 && format)
                r = template_parse(e->json ? "{{json .}}" : format, &e->template, err);
        if (r == 0)
                r = invocation_store(inv, &store, err);
        return r < 0 ? r : follow(e, store_run(store), stream, past, err);
}

int cmd_events(struct invocation *inv, struct error *err)
{
        struct events e = { .err = err };
        int r = events(&e, inv, err);

        event_filter_finish(&e.filter);
        template_free(e.template);
        buf_finish(&e.out);
        return r;
}
