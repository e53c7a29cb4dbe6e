/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/log.h"

#include <string.h>

#include "base/own.h"

void log_open(struct log *l, const struct log_options *o, int dir, const char *id, const char *name, const char *image)
{
        *l = (struct log){ .options = *o, .id = id, .name = name, .image = image, .dir = dir, .fd = -1 };
}

static void add_line(struct log *l, enum log_stream stream, const char *line, size_t len, bool partial, int64_t time)
{
        if (l->options.driver == LOG_JSON_FILE)
                log_file_add(l, stream, line, len, partial, time);
        else
                log_journal_add(l, stream, line, len, partial);
}

/* The rest and what was added to it, when that is a line or as long as one may be. */
static void add_rest(struct log *l, enum log_stream stream, bool partial, int64_t time)
{
        struct buf *rest = &l->rest[stream];

        add_line(l, stream, buf_str(rest), rest->len, partial, time);
        rest->len = 0;
}

/* As much as makes a line or a part of one; returns how much that was. */
static size_t take(struct log *l, enum log_stream stream, const char *data, size_t len, int64_t time)
{
        struct buf *rest = &l->rest[stream];
        size_t room = LOG_MAX_LINE - rest->len, n = len < room ? len : room;
        const char *end = memchr(data, '\n', n);

        if (end)
                n = (size_t)(end - data);
        if (!rest->len && (end || n == LOG_MAX_LINE)) {
                add_line(l, stream, data, n, !end, time);
                return n + !!end;
        }
        buf_add(rest, data, n);
        /* No memory: this much of the line is lost. */
        if (buf_failed(rest))
                buf_finish(rest);
        if (end || rest->len == LOG_MAX_LINE)
                add_rest(l, stream, !end, time);
        return n + !!end;
}

void log_write(struct log *l, enum log_stream stream, const char *data, size_t len, int64_t time)
{
        if (l->options.driver == LOG_NONE)
                return;
        while (len) {
                size_t n = take(l, stream, data, len, time);

                data += n;
                len -= n;
        }
        log_file_flush(l);
}

void log_flush(struct log *l, int64_t time)
{
        for (size_t i = 0; i < ARRAY_SIZE(l->rest); i++) {
                if (l->rest[i].len)
                        add_rest(l, (enum log_stream)i, true, time);
                buf_finish(&l->rest[i]);
        }
        log_file_flush(l);
        buf_finish(&l->out);
}
