/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/event.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/own.h"
#include "sys/fd.h"

static int64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* As Docker's API has it; what it says twice is added by who shows it. */
static void write_line(const struct event *ev, bool whole, struct buf *out)
{
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        json_write_string(&w, "Type", ev->type);
        json_write_string(&w, "Action", ev->action);
        json_begin_object(&w, "Actor");
        json_write_string(&w, "ID", ev->id);
        json_begin_object(&w, "Attributes");
        if (ev->name)
                json_write_string(&w, "name", ev->name);
        for (const char *const *a = whole ? ev->attributes : NULL; a && a[0] && a[1]; a += 2)
                json_write_string(&w, a[0], a[1]);
        json_end_object(&w);
        json_end_object(&w);
        json_write_i64(&w, "timeNano", ev->time ? ev->time : now());
        json_end_object(&w);
        buf_add(out, "\n", 1);
}

static bool is_same_file(int fd, const char *path)
{
        struct stat ours, named;

        return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
               ours.st_ino == named.st_ino;
}

/* Of several that see the file full only one may do it, or the new file would take the old one's place. */
static void rotate(const char *run, const char *path, int fd)
{
        own_mem char *old = NULL;

        if (flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_same_file(fd, path))
                return;
        if (asprintf(&old, "%s/events.1", run) > 0)
                (void)rename(path, old);
}

void event_add(const char *run, const struct event *ev)
{
        own_mem char *path = NULL;
        own_buf struct buf line = {}, bare = {};
        const struct buf *out = &line;
        own_fd int fd = -1;

        if (asprintf(&path, "%s/events", run) < 0) {
                path = NULL;
                return;
        }
        write_line(ev, true, &line);
        if (line.len > EVENT_MAX) {
                write_line(ev, false, &bare);
                out = &bare;
        }
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || buf_failed(out) || out->len > EVENT_MAX || fd_write_all(fd, out->data, out->len) < 0)
                return;
        if (lseek(fd, 0, SEEK_CUR) > EVENT_FILE_MAX)
                rotate(run, path, fd);
}
