/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two files are held open, so that a name that leads to another inode is a file we have not seen: then it takes the
 * place of the older one. A writer may still have the file that was moved away, and adds to it; so both are read.
 */
#include "instance/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "instance/event.h"

enum { FILES = 2, CHUNK = 32 << 10 };

struct tail {
        int fd;
        struct buf line; /* its beginning, when the rest is not there yet */
        bool skip;       /* the line is too long */
};

struct event_log {
        int dir, watch;
        struct tail tails[FILES]; /* older, newer */
};

struct reader {
        int (*each)(void *userdata, const char *line, size_t len);
        void *userdata;
        struct error *err;
};

static void tail_finish(struct tail *t)
{
        if (t->fd >= 0)
                close(t->fd);
        buf_finish(&t->line);
        *t = (struct tail){ .fd = -1 };
}

static int add_part(struct tail *t, const char *data, size_t len, struct error *err)
{
        t->skip = t->skip || t->line.len + len > EVENT_MAX;
        if (t->skip)
                t->line.len = 0;
        else
                buf_add(&t->line, data, len);
        return buf_failed(&t->line) ? error_set(err, ENOMEM, "out of memory") : 0;
}

/* Whole lines go out. */
static int take(struct tail *t, const struct reader *r, const char *data, size_t len)
{
        const char *newline;
        int result = 0;

        while (result == 0 && (newline = memchr(data, '\n', len))) {
                size_t n = (size_t)(newline - data);

                result = add_part(t, data, n, r->err);
                if (result == 0 && !t->skip && t->line.len)
                        result = r->each(r->userdata, buf_str(&t->line), t->line.len);
                t->line.len = 0;
                t->skip = false;
                data += n + 1;
                len -= n + 1;
        }
        return result == 0 && len ? add_part(t, data, len, r->err) : result;
}

static int read_tail(struct tail *t, const struct reader *r)
{
        char data[CHUNK];

        while (t->fd >= 0) {
                ssize_t n = read(t->fd, data, sizeof data);
                int result;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_errno(r->err, errno, "read events");
                if (n == 0)
                        break;
                result = take(t, r, data, (size_t)n);
                if (result)
                        return result;
        }
        return 0;
}

static bool has(const struct event_log *l, int fd)
{
        struct stat new, known;

        if (fstat(fd, &new) < 0)
                return true;
        for (size_t i = 0; i < FILES; i++) {
                if (l->tails[i].fd >= 0 && fstat(l->tails[i].fd, &known) == 0 && known.st_dev == new.st_dev &&
                    known.st_ino == new.st_ino)
                        return true;
        }
        return false;
}

/* Takes the file in if it is not known: 1. */
static int add_file(struct event_log *l, const char *name, const struct reader *r)
{
        own_fd int fd = openat(l->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        int result;

        if (fd < 0)
                return errno == ENOENT ? 0 : error_errno(r->err, errno, "open %s", name);
        if (has(l, fd))
                return 0;
        /* What it displaces may have got a last line. */
        result = read_tail(&l->tails[0], r);
        if (result)
                return result;
        tail_finish(&l->tails[0]);
        l->tails[0] = l->tails[1];
        l->tails[1] = (struct tail){ .fd = take_fd(&fd) };
        return 1;
}

/* The newer one is opened again after the older one: what was moved away in between is found under its new name. */
static int add_files(struct event_log *l, const struct reader *r)
{
        int older = add_file(l, "events.1", r), newer = older < 0 ? older : add_file(l, "events", r);

        return newer < 0 ? newer : older + newer;
}

int event_log_read(struct event_log *l, int (*each)(void *userdata, const char *line, size_t len), void *userdata,
                   struct error *err)
{
        const struct reader r = { each, userdata, err };
        char notes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        int result = 0, added;

        while (read(l->watch, notes, sizeof notes) > 0)
                ;
        do {
                added = add_files(l, &r);
                for (size_t i = 0; added >= 0 && result == 0 && i < FILES; i++)
                        result = read_tail(&l->tails[i], &r);
        } while (added > 0 && result == 0);
        return added < 0 ? added : result;
}

static int drop(void *userdata, const char *line, size_t len)
{
        return 0;
}

/* To the end, without a look at what is there. */
static int skip_past(struct event_log *l, struct error *err)
{
        const struct reader r = { drop, NULL, err };
        int added = add_files(l, &r);

        for (size_t i = 0; i < FILES; i++) {
                if (l->tails[i].fd >= 0)
                        (void)lseek(l->tails[i].fd, 0, SEEK_END);
        }
        return added < 0 ? added : 0;
}

int event_log_open(const char *run, bool past, struct event_log **ret, struct error *err)
{
        own_event_log struct event_log *l = malloc(sizeof *l);
        int r = 0;

        if (!l)
                return error_set(err, ENOMEM, "out of memory");
        *l = (struct event_log){ .dir = -1, .watch = -1, .tails = { { .fd = -1 }, { .fd = -1 } } };
        l->dir = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (l->dir < 0)
                return error_errno(err, errno, "open %s", run);
        l->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (l->watch < 0 || inotify_add_watch(l->watch, run, IN_MODIFY | IN_MOVED_TO | IN_ONLYDIR) < 0)
                return error_errno(err, errno, "watch %s", run);
        if (!past)
                r = skip_past(l, err);
        if (r < 0)
                return r;
        *ret = take_ptr(l);
        return 0;
}

void event_log_close(struct event_log *l)
{
        if (!l)
                return;
        for (size_t i = 0; i < FILES; i++)
                tail_finish(&l->tails[i]);
        if (l->dir >= 0)
                close(l->dir);
        if (l->watch >= 0)
                close(l->watch);
        free(l);
}

int event_log_fd(const struct event_log *l)
{
        return l->watch;
}
