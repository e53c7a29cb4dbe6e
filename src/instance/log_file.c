/* SPDX-License-Identifier: Apache-2.0 */
/* json-file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "instance/log.h"
#include "sys/fd.h"

/* Lines are written together up to here. */
enum { MAX_PENDING = 32 << 10 };

static void open_file(struct log *l)
{
        struct stat st;

        l->fd = openat(l->dir, "log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
        l->size = l->fd >= 0 && fstat(l->fd, &st) == 0 ? st.st_size : 0;
}

void log_file_flush(struct log *l)
{
        if (l->fd >= 0 && l->out.len)
                (void)fd_write_all(l->fd, l->out.data, l->out.len);
        l->out.len = 0;
}

/* log.1 and its elders grow older, the oldest goes. */
static void rotate(struct log *l)
{
        char from[24], to[24];

        log_file_flush(l);
        if (l->options.max_files == 1) {
                l->size = 0;
                (void)!ftruncate(l->fd, 0);
                return;
        }
        for (uint32_t n = l->options.max_files - 1; n > 0; n--) {
                snprintf(to, sizeof to, "log.%u", n);
                snprintf(from, sizeof from, n > 1 ? "log.%u" : "log", n - 1);
                (void)renameat(l->dir, from, l->dir, to);
        }
        close(take_fd(&l->fd));
        open_file(l);
}

/* Docker's own way (moby: daemon/logger/jsonfilelog/jsonlog): also what HTML minds is escaped. */
static bool is_plain(unsigned char c)
{
        return c >= ' ' && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void add_escape(struct buf *out, unsigned char c)
{
        if (c == '"' || c == '\\')
                buf_addf(out, "\\%c", c);
        else if (c == '\n')
                buf_add_str(out, "\\n");
        else if (c == '\r')
                buf_add_str(out, "\\r");
        else
                buf_addf(out, "\\u%04x", c);
}

/* U+2028 and U+2029 end lines in JavaScript. */
static bool is_line_separator(const char *s, size_t n)
{
        return n == 3 && memcmp(s, "\xe2\x80", 2) == 0 && (s[2] & ~1) == '\xa8';
}

/* One character that does not stand for itself; returns its length. s is followed by at least 4 bytes or a NUL. */
static size_t add_special(struct buf *out, const char *s)
{
        size_t n;

        if ((unsigned char)*s < 0x80) {
                add_escape(out, (unsigned char)*s);
                return 1;
        }
        n = utf8_length(s);
        if (!n)
                buf_add_str(out, "\\ufffd");
        else if (is_line_separator(s, n))
                buf_addf(out, "\\u202%c", s[2] == '\xa8' ? '8' : '9');
        else
                buf_add(out, s, n);
        return n ? n : 1;
}

static void add_escaped(struct buf *out, const char *s, size_t len)
{
        const char *end = s + len;

        while (s < end) {
                const char *run = s;
                char last[5] = "";

                while (s < end && is_plain((unsigned char)*s))
                        s++;
                buf_add(out, run, (size_t)(s - run));
                if (s == end)
                        break;
                /* A character that is cut off by the end is none, whatever stands behind it. */
                memcpy(last, s, end - s < 4 ? (size_t)(end - s) : 4);
                s += add_special(out, last);
        }
}

void log_file_add(struct log *l, enum log_stream stream, const char *line, size_t len, bool partial, int64_t time)
{
        char when[RFC3339_MAX];
        size_t before = l->out.len;

        if (l->fd < 0)
                open_file(l);
        if (l->options.max_size >= 0 && l->size >= l->options.max_size) {
                rotate(l);
                before = 0;
        }
        rfc3339_write(time, when);
        buf_add_str(&l->out, "{\"log\":\"");
        add_escaped(&l->out, line, len);
        buf_addf(&l->out, "%s\",\"stream\":\"%s\",\"time\":\"%s\"}\n", partial ? "" : "\\n",
                 stream == LOG_STDOUT ? "stdout" : "stderr", when);
        if (buf_failed(&l->out)) {
                buf_finish(&l->out);
                return;
        }
        l->size += (int64_t)(l->out.len - before);
        if (l->out.len >= MAX_PENDING)
                log_file_flush(l);
}
