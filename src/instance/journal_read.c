/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "base/parse.h"
#include "sys/process.h"
#include "sys/program.h"

/* A line of a log has 16 KB; a byte that is no text takes four. */
enum { BLOCK = 64 << 10, MAX_ENTRY = 1 << 20, MAX_ARGS = 16, MICROSECOND = 1000 };

#define PROGRAM "journalctl"

/* ---- journalctl ---- */

static _Noreturn void become(const char *const *argv, int out)
{
        process_reset_signals();
        if (dup2(out, STDOUT_FILENO) < 0)
                _exit(126);
        execvp(argv[0], (char *const *)argv);
        fprintf(stderr, "holt: " PROGRAM " shows what journald keeps: %s\n", strerror(errno));
        _exit(127);
}

static int spawn(struct journal_reader *r, const char *const *argv, struct error *err)
{
        const struct clone_options o = { .cgroup_fd = -1 };
        own_fd int in = -1, out = -1;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_errno(err, errno, "make a pipe");
        in = fds[0];
        out = fds[1];
        r->pid = process_clone(&o);
        if (r->pid < 0)
                return error_errno(err, (int)-r->pid, "start " PROGRAM);
        if (r->pid == 0)
                become(argv, out);
        r->fd = take_fd(&in);
        return 0;
}

int journal_reader_open(struct journal_reader *r, const struct journal_query *q, struct error *err)
{
        char match[100], lines[32], since[40], until[40], after[JOURNAL_CURSOR_SIZE + 32];
        const char *argv[MAX_ARGS] = { PROGRAM,
                                       "--quiet",
                                       "--output=json",
                                       "--all",
                                       "--output-fields=MESSAGE,PRIORITY,CONTAINER_PARTIAL_MESSAGE",
                                       match };
        size_t n = 6;

        *r = (struct journal_reader){ .fd = -1, .pid = -1 };
        snprintf(match, sizeof match, "CONTAINER_ID_FULL=%s", q->id);
        snprintf(lines, sizeof lines, "--lines=%lld", (long long)q->tail);
        snprintf(since, sizeof since, "--since=@%lld", (long long)q->since);
        snprintf(until, sizeof until, "--until=@%lld", (long long)q->until);
        snprintf(after, sizeof after, "--after-cursor=%s", q->after);
        if (q->follow)
                argv[n++] = "--follow";
        if (q->tail >= 0)
                argv[n++] = lines;
        else if (q->follow)
                argv[n++] = "--no-tail";
        if (q->since && !*q->after)
                argv[n++] = since;
        if (q->until)
                argv[n++] = until;
        if (*q->after)
                argv[n++] = after;
        return spawn(r, argv, err);
}

void journal_reader_close(struct journal_reader *r)
{
        if (r->fd >= 0)
                close(take_fd(&r->fd));
        if (r->pid > 0) {
                kill(r->pid, SIGTERM);
                process_wait(r->pid);
        }
        r->pid = -1;
        buf_finish(&r->data);
}

void journal_sync(void)
{
        static const char *const argv[] = { PROGRAM, "--sync", NULL };
        struct error ignored;

        program_run(argv, "", &ignored);
}

/* ---- entries ---- */

/* What is no text comes as a list of bytes. */
static void add_bytes(struct json_object *list, struct buf *out)
{
        for (size_t i = 0; i < json_array_size(list); i++) {
                uint64_t n;
                char byte;

                if (!json_u64_value(json_array_item(list, i), &n))
                        continue;
                byte = (char)n;
                buf_add(out, &byte, 1);
        }
}

static const char *text_of(struct json_object *o, const char *key)
{
        struct json_object *v = json_member(o, key);

        return v ? json_string_value(v) : NULL;
}

static int64_t read_time(struct json_object *o)
{
        const char *text = text_of(o, "__REALTIME_TIMESTAMP");
        uint64_t n = 0;

        return text && parse_u64(text, 10, &n) == 0 && n < INT64_MAX / MICROSECOND ? (int64_t)n * MICROSECOND : 0;
}

static int tell(struct journal_reader *r, struct json_object *o,
                int (*each)(void *userdata, const struct log_entry *entry), void *userdata)
{
        struct json_object *message = json_member(o, "MESSAGE");
        const char *text = text_of(o, "MESSAGE"), *cursor = text_of(o, "__CURSOR"), *priority = text_of(o, "PRIORITY");
        own_buf struct buf line = {};
        struct log_entry e = { .time = read_time(o), .stream = LOG_STDOUT };

        if (cursor && strlen(cursor) < sizeof r->cursor)
                memcpy(r->cursor, cursor, strlen(cursor) + 1);
        if (text)
                buf_add_str(&line, text);
        else if (message && json_is_array(message))
                add_bytes(message, &line);
        if (!text_of(o, "CONTAINER_PARTIAL_MESSAGE"))
                buf_add_str(&line, "\n");
        if (buf_failed(&line))
                return -ENOMEM;
        if (priority && strcmp(priority, "3") == 0)
                e.stream = LOG_STDERR;
        e.text = buf_str(&line);
        e.len = line.len;
        return each(userdata, &e);
}

/* What makes no sense is passed over. */
static int take_entry(struct journal_reader *r, const char *text, size_t len,
                      int (*each)(void *userdata, const struct log_entry *entry), void *userdata)
{
        own_json struct json_object *o = NULL;
        struct error ignored;

        return json_parse(text, len, &o, &ignored) == 0 && json_is_object(o) ? tell(r, o, each, userdata) : 0;
}

static int take_entries(struct journal_reader *r, int (*each)(void *userdata, const struct log_entry *entry),
                        void *userdata)
{
        const char *at = r->data.data, *end = at + r->data.len, *stop;
        int result = 0;

        while (result == 0 && at < end && (stop = memchr(at, '\n', (size_t)(end - at)))) {
                result = take_entry(r, at, (size_t)(stop - at), each, userdata);
                at = stop + 1;
        }
        r->data.len = (size_t)(end - at);
        memmove(r->data.data, at, r->data.len);
        return result;
}

int journal_reader_each(struct journal_reader *r, int (*each)(void *userdata, const struct log_entry *entry),
                        void *userdata, struct error *err)
{
        char block[BLOCK];
        ssize_t n = read(r->fd, block, sizeof block);

        if (n <= 0)
                return n == 0 ? -ENODATA : errno == EINTR ? 0 : error_errno(err, errno, "read what " PROGRAM " says");
        buf_add(&r->data, block, (size_t)n);
        if (buf_failed(&r->data) || r->data.len > MAX_ENTRY)
                return error_set(err, ENOMEM, PROGRAM " says too much at once");
        return take_entries(r, each, userdata);
}
