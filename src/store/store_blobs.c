/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/store_private.h"
#include "sys/fd.h"

/* -ENOENT: no row; or its file's size and boot, and the state of the file. */
static int find(struct store *s, const struct digest *d, uint64_t *ret_size, enum file_state *ret_state,
                struct error *err)
{
        own_query struct query q = {};
        char path[FILE_PATH_SIZE];
        int r = query_begin(&q, &s->database, err, "SELECT size, boot FROM blob WHERE digest = ?1", "d", d);

        if (r == 0)
                r = query_next(&q, err);
        if (r < 0)
                return r;
        if (r == 0)
                return error_set(err, ENOENT, "no such blob: %s", d->text);
        file_path(FILE_BLOB, d, path);
        *ret_size = (uint64_t)query_number(&q, 0);
        *ret_state = file_look(s, path, *ret_size, query_text(&q, 1));
        return 0;
}

int blob_is_good(struct store *s, const struct digest *d, struct error *err)
{
        enum file_state state = FILE_ABSENT;
        uint64_t size;
        int r = find(s, d, &size, &state, err);

        return r < 0 && r != -ENOENT ? r : state == FILE_GOOD;
}

static int pin(struct store *s, const struct digest *d, const char *path, struct error *err)
{
        int fd = -1;

        if (array_grow(&s->pins, &s->cap_pins, s->n_pins + 1, sizeof *s->pins) < 0)
                return error_set(err, ENOMEM, "out of memory");
        fd = file_lock(s, path, LOCK_SH, err);
        if (fd < 0)
                return fd;
        s->pins[s->n_pins++] = (struct blob_pin){ *d, fd };
        return 0;
}

void blob_unpin(struct store *s, const struct digest *d)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->n_pins; i++) {
                if (digest_equal(&s->pins[i].digest, d))
                        close(s->pins[i].fd);
                else
                        s->pins[kept++] = s->pins[i];
        }
        s->n_pins = kept;
}

void blob_unpin_all(struct store *s)
{
        for (size_t i = 0; i < s->n_pins; i++)
                close(s->pins[i].fd);
        free(s->pins);
        s->pins = NULL;
        s->n_pins = s->cap_pins = 0;
}

static int enter(struct store *s, const struct digest *d, const char *media_type, const char *path, int fd,
                 struct error *err)
{
        int64_t size = file_size(fd, err);
        int r;

        if (size < 0)
                return (int)size;
        /* Blobs are read into memory. */
        if (size > MANIFEST_MAX)
                return error_set(err, EFBIG, "blob %s has %lld bytes, more than %d", d->text, (long long)size,
                                 MANIFEST_MAX);
        r = file_publish(s, fd, path, err);
        return r < 0 ? r
                     : database_run(
                               &s->database, err,
                               "INSERT OR REPLACE INTO blob(digest, media_type, size, boot) VALUES(?1, ?2, ?3, ?4)",
                               "dtit", d, media_type, size, store_boot(s));
}

int store_blob_add(struct store *s, const struct digest *d, const char *media_type, int fd, struct error *err)
{
        own_transaction struct transaction t = {};
        char path[FILE_PATH_SIZE];
        int r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        if (r < 0)
                return r;
        file_path(FILE_BLOB, d, path);
        r = blob_is_good(s, d, err);
        if (r == 0)
                r = enter(s, d, media_type, path, fd, err);
        if (r >= 0)
                r = pin(s, d, path, err);
        if (r < 0)
                return r;
        r = transaction_commit(&t, err);
        if (r < 0)
                blob_unpin(s, d);
        return r;
}

static int read_file(struct store *s, const char *path, uint64_t size, struct buf *ret)
{
        own_fd int fd = openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        size_t before = ret->len;
        int r = fd < 0 ? -errno : fd_read_all(fd, size, ret);

        return r == 0 && ret->len - before != size ? -EIO : r;
}

int store_blob_read(struct store *s, const struct digest *d, struct buf *ret, struct error *err)
{
        enum file_state state = FILE_ABSENT;
        char path[FILE_PATH_SIZE];
        uint64_t size = 0;
        int r = find(s, d, &size, &state, err);

        if (r < 0)
                return r;
        if (state != FILE_GOOD)
                return error_set(err, ENOENT, "blob %s %s", d->text, file_state_text(state));
        if (size > MANIFEST_MAX)
                return error_set(err, EFBIG, "blob %s has more than %d bytes", d->text, MANIFEST_MAX);
        file_path(FILE_BLOB, d, path);
        r = read_file(s, path, size, ret);
        return r < 0 ? error_errno(err, -r, "read blob %s", d->text) : 0;
}
