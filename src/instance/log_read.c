/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/log_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

/* A line of the file has up to 16 KB of text, of which each byte may take six. */
enum { BLOCK = 64 << 10, MAX_LINE = 256 << 10, MISSING_AT_END = 3 };

/* n 0: the one that is written to. A descriptor or -errno. */
static int open_file(int dir, unsigned n)
{
        char name[24] = "log";
        int fd;

        if (n)
                snprintf(name, sizeof name, "log.%u", n);
        fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/*
 * From the newest file back. While they are rotated, which moves one after the other on to the next number, there is
 * one that is missing in between, and one may be met twice: none is passed over.
 */
struct walk {
        int dir;
        unsigned n, missing;
};

/* A descriptor, or -1 behind the oldest. */
static int walk_back(struct walk *w)
{
        while (w->n < LOG_READ_MAX_FILES && w->missing < MISSING_AT_END) {
                int fd = open_file(w->dir, w->n++);

                w->missing = fd < 0 ? w->missing + 1 : 0;
                if (fd >= 0)
                        return fd;
        }
        return -1;
}

static bool is_same(int a, int b)
{
        struct stat x, y;

        return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* ---- where to begin ---- */

/* The offset behind which the file has *lines line ends, not counting one at its very end; what it has fewer is what
 * remains in *lines. */
static int64_t find_tail(int fd, int64_t *lines)
{
        struct stat st;
        int64_t end = fstat(fd, &st) == 0 ? st.st_size : 0, at = end;
        char block[4096];

        while (at > 0) {
                size_t want = at < (int64_t)sizeof block ? (size_t)at : sizeof block;
                ssize_t n = pread(fd, block, want, at - (int64_t)want);

                if (n != (ssize_t)want)
                        return 0;
                for (size_t i = want; i > 0; i--) {
                        int64_t behind = at - (int64_t)want + (int64_t)i;

                        if (block[i - 1] != '\n' || behind == end)
                                continue;
                        if (--*lines == 0)
                                return behind;
                }
                at -= (int64_t)want;
        }
        /* Its first line has no line end before it. */
        if (end > 0)
                --*lines;
        return 0;
}

/* From the newest file back. */
static void begin_at_tail(struct log_reader *r, int64_t lines)
{
        struct walk w = { .dir = r->dir };

        while (lines > 0) {
                own_fd int fd = walk_back(&w);

                if (fd < 0)
                        break;
                if (r->fd >= 0 && is_same(fd, r->fd))
                        continue;
                r->at = find_tail(fd, &lines);
                if (r->fd >= 0)
                        close(r->fd);
                r->fd = take_fd(&fd);
        }
}

static void begin_at_oldest(struct log_reader *r)
{
        struct walk w = { .dir = r->dir };
        int fd;

        while ((fd = walk_back(&w)) >= 0) {
                if (r->fd >= 0)
                        close(r->fd);
                r->fd = fd;
        }
}

static void begin_at_end(struct log_reader *r)
{
        struct stat st;

        r->fd = open_file(r->dir, 0);
        r->at = r->fd >= 0 && fstat(r->fd, &st) == 0 ? st.st_size : 0;
}

void log_reader_open(struct log_reader *r, int dir, int64_t tail)
{
        *r = (struct log_reader){ .dir = dir, .fd = -1 };
        if (tail < 0)
                begin_at_oldest(r);
        else if (tail == 0)
                begin_at_end(r);
        else
                begin_at_tail(r, tail);
}

void log_reader_close(struct log_reader *r)
{
        if (r->fd >= 0)
                close(take_fd(&r->fd));
        buf_finish(&r->data);
}

/* ---- going on ---- */

/* The file after this one, which may have got another name since: a descriptor, or -1. */
static int open_next(const struct log_reader *r)
{
        struct walk w = { .dir = r->dir };
        int newer = -1;

        for (;;) {
                own_fd int fd = walk_back(&w);

                if (fd < 0 || (r->fd >= 0 && is_same(fd, r->fd)))
                        break;
                if (newer >= 0)
                        close(newer);
                newer = take_fd(&fd);
        }
        return newer;
}

static void follow(struct log_reader *r, int next)
{
        if (r->fd >= 0)
                close(r->fd);
        r->fd = next;
        r->at = 0;
}

/* 1 when there was more, 0 at the end, -errno. */
static int read_block(struct log_reader *r)
{
        char block[BLOCK];
        struct stat st;
        ssize_t n;

        if (r->fd < 0)
                return 0;
        n = pread(r->fd, block, sizeof block, r->at);
        if (n < 0)
                return -errno;
        /* One that begins again (max-file=1). */
        if (n == 0 && fstat(r->fd, &st) == 0 && st.st_size < r->at) {
                r->at = 0;
                r->data.len = 0;
                return 1;
        }
        buf_add(&r->data, block, (size_t)n);
        r->at += n;
        return buf_failed(&r->data) ? -ENOMEM : n > 0;
}

/* Whole lines; the rest stays. */
static int take_lines(struct log_reader *r, int (*each)(void *userdata, const struct log_entry *entry), void *userdata)
{
        size_t at = 0;
        int n = 0;

        while (n == 0 && at < r->data.len) {
                char *line = r->data.data + at, *end = memchr(line, '\n', r->data.len - at);
                struct log_entry entry;

                if (!end)
                        break;
                at += (size_t)(end - line) + 1;
                if (log_line_parse(line, (size_t)(end - line), &entry) == 0)
                        n = each(userdata, &entry);
        }
        memmove(r->data.data, r->data.data + at, r->data.len - at);
        r->data.len -= at;
        if (r->data.len > MAX_LINE)
                r->data.len = 0;
        return n;
}

int log_reader_each(struct log_reader *r, int (*each)(void *userdata, const struct log_entry *entry), void *userdata,
                    struct error *err)
{
        for (;;) {
                own_fd int next = -1;
                int n = read_block(r);

                if (n == 0) {
                        next = open_next(r);
                        if (next < 0)
                                return 0;
                        /* It may have got more before it was rotated. */
                        n = read_block(r);
                }
                if (n < 0)
                        return error_errno(err, -n, "read the log");
                if (n == 0)
                        follow(r, take_fd(&next));
                n = r->data.len ? take_lines(r, each, userdata) : 0;
                if (n != 0)
                        return n;
        }
}
