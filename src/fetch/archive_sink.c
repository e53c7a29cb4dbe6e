/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/archive_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "store/tar_write.h"
#include "sys/fd.h"

enum { PENDING = 256 << 10 };

/* A file has this name until it is complete. */
#define UNFINISHED ".unfinished"

void archive_sink_init(struct archive_sink *s, int output, bool directory)
{
        *s = (struct archive_sink){ .output = output, .directory = directory, .file = -1 };
}

void archive_sink_finish(struct archive_sink *s)
{
        if (s->file >= 0) {
                close(s->file);
                unlinkat(s->output, UNFINISHED, 0);
        }
        free(s->name);
        buf_finish(&s->pending);
        *s = (struct archive_sink){ .file = -1 };
}

/* ---- a stream ---- */

static int flush(struct archive_sink *s, struct error *err)
{
        int r = s->pending.len ? fd_write_all(s->output, s->pending.data, s->pending.len) : 0;

        s->pending.len = 0;
        return r < 0 ? error_errno(err, -r, "write the archive") : 0;
}

static int stream_write(struct archive_sink *s, const void *data, size_t n, struct error *err)
{
        int r = s->pending.len + n > PENDING ? flush(s, err) : 0;

        if (r < 0)
                return r;
        if (n >= PENDING) {
                r = fd_write_all(s->output, data, n);
                return r < 0 ? error_errno(err, -r, "write the archive") : 0;
        }
        buf_add(&s->pending, data, n);
        return buf_failed(&s->pending) ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int stream_begin(struct archive_sink *s, const char *name, uint64_t size, struct error *err)
{
        own_buf struct buf header = {};

        tar_write_header(&header, TAR_FILE, name, size);
        if (buf_failed(&header))
                return error_set(err, ENOMEM, "out of memory");
        return stream_write(s, header.data, header.len, err);
}

/* ---- a directory ---- */

static int make_parents(int directory, const char *name)
{
        own_mem char *path = strdup(name);

        if (!path)
                return -ENOMEM;
        for (char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
                *p = '\0';
                if (mkdirat(directory, path, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        return 0;
}

static int directory_begin(struct archive_sink *s, const char *name, struct error *err)
{
        int r = make_parents(s->output, name);

        if (r == 0) {
                unlinkat(s->output, UNFINISHED, 0);
                s->file = openat(s->output, UNFINISHED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
                r = s->file < 0 ? -errno : 0;
        }
        return r < 0 ? error_errno(err, -r, "make %s", name) : 0;
}

static int directory_end(struct archive_sink *s, struct error *err)
{
        close(take_fd(&s->file));
        if (renameat(s->output, UNFINISHED, s->output, s->name) < 0)
                return error_errno(err, errno, "make %s", s->name);
        return 0;
}

/* ---- either ---- */

int archive_sink_begin(struct archive_sink *s, const char *name, uint64_t size, struct error *err)
{
        free(s->name);
        s->name = strdup(name);
        s->size = size;
        s->done = 0;
        if (!s->name)
                return error_set(err, ENOMEM, "out of memory");
        return s->directory ? directory_begin(s, name, err) : stream_begin(s, name, size, err);
}

int archive_sink_write(struct archive_sink *s, const void *data, size_t n, struct error *err)
{
        int r;

        if (n > s->size - s->done)
                return error_set(err, EBADMSG, "%s: it is longer than %llu bytes", s->name,
                                 (unsigned long long)s->size);
        s->done += n;
        if (!s->directory)
                return n ? stream_write(s, data, n, err) : 0;
        r = fd_write_all(s->file, data, n);
        return r < 0 ? error_errno(err, -r, "write %s", s->name) : 0;
}

int archive_sink_end(struct archive_sink *s, struct error *err)
{
        static const char zeros[TAR_BLOCK];

        if (s->done != s->size)
                return error_set(err, EBADMSG, "%s: it has %llu bytes instead of %llu", s->name,
                                 (unsigned long long)s->done, (unsigned long long)s->size);
        return s->directory ? directory_end(s, err) : stream_write(s, zeros, (size_t)(-s->size % TAR_BLOCK), err);
}

int archive_sink_add(struct archive_sink *s, const char *name, const void *data, size_t n, struct error *err)
{
        int r = archive_sink_begin(s, name, n, err);

        if (r == 0)
                r = archive_sink_write(s, data, n, err);
        return r < 0 ? r : archive_sink_end(s, err);
}

int archive_sink_close(struct archive_sink *s, struct error *err)
{
        own_buf struct buf end = {};

        if (s->directory)
                return 0;
        tar_write_end(&end);
        if (buf_failed(&end))
                return error_set(err, ENOMEM, "out of memory");
        return stream_write(s, end.data, end.len, err) < 0 ? -err->code : flush(s, err);
}
