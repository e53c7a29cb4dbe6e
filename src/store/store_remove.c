/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A removal has two transactions. In the first, each file is locked and its row deleted. When that
 * is committed, the second one takes away the names of those that nobody has entered again in between: so an adder,
 * which gives names only in a transaction, too, never loses the file that it has just given. Between the two the locks
 * are held, and whoever wants to open the file waits, to find that it is gone. Who dies between them leaves files that
 * nobody knows. Neither waits for the disk: if the power fails at once, rows may be there again without their files, as
 * of an image that says what it lacks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/layer_mount.h"
#include "store/layer_unpacked.h"
#include "store/store_private.h"

static int delete_row(struct store *s, enum file_kind kind, const struct digest *d, struct error *err)
{
        return kind == FILE_LAYER ? database_run(&s->database, err, "DELETE FROM layer WHERE diff_id = ?1", "d", d)
                                  : database_run(&s->database, err, "DELETE FROM blob WHERE digest = ?1", "d", d);
}

int removal_has_row(struct store *s, enum file_kind kind, const struct digest *d, struct error *err)
{
        return kind == FILE_LAYER ? database_has(&s->database, err, "SELECT 1 FROM layer WHERE diff_id = ?1", "d", d)
                                  : database_has(&s->database, err, "SELECT 1 FROM blob WHERE digest = ?1", "d", d);
}

int removal_add(struct store *s, struct removal *m, enum file_kind kind, const struct digest *d, struct error *err)
{
        char path[FILE_PATH_SIZE];
        int fd, r;

        if (array_grow(&m->files, &m->cap, m->n + 1, sizeof *m->files) < 0)
                return error_set(err, ENOMEM, "out of memory");
        file_path(kind, d, path);
        fd = file_lock(s, path, LOCK_EX | LOCK_NB, err);
        if (fd < 0 && fd != -ENOENT)
                return fd;
        m->files[m->n++] = (struct removal_file){ *d, kind, fd < 0 ? -1 : fd };
        r = delete_row(s, kind, d, err);
        return r < 0 ? r : 0;
}

int layer_detach(struct store *s, const struct digest *diff_id, struct error *err)
{
        own_mem char *path = NULL;
        own_fd int fd = -1;
        int r = layer_unpacked_forget(s, digest_hex(diff_id), err);

        if (r < 0)
                return r;
        if (asprintf(&path, "%s/layers/%s", s->run, digest_hex(diff_id)) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        /* With the last reference to the mount goes what is cached of it: later. */
        fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return 0;
        r = layer_unmount(s, diff_id, err);
        if (r == 0)
                later_free(&s->later, take_fd(&fd));
        return r;
}

static int unlink_counted(struct store *s, enum file_kind kind, const struct digest *d, struct removal *m,
                          struct error *err)
{
        char path[FILE_PATH_SIZE];
        int64_t size;

        file_path(kind, d, path);
        size = file_unlink(s, path, err);
        if (size < 0)
                return (int)size;
        m->done.bytes += (uint64_t)size;
        return 0;
}

static int remove_file(struct store *s, struct removal *m, const struct removal_file *f, struct error *err)
{
        int r = removal_has_row(s, f->kind, &f->digest, err);

        if (r != 0)
                return r < 0 ? r : 0;
        if (f->kind == FILE_LAYER)
                r = layer_detach(s, &f->digest, err);
        if (r == 0)
                r = unlink_counted(s, f->kind, &f->digest, m, err);
        if (r == 0 && f->kind == FILE_LAYER)
                r = unlink_counted(s, FILE_RECIPE, &f->digest, m, err);
        if (r < 0)
                return r;
        if (f->kind == FILE_LAYER)
                m->done.layers++;
        else
                m->done.blobs++;
        return 0;
}

int removal_finish_files(struct store *s, struct removal *m, struct error *err)
{
        own_transaction struct transaction t = {};
        int r;

        if (!m->n)
                return 0;
        /* It changes nothing, but keeps those away who do. */
        r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);
        for (size_t i = 0; i < m->n && r == 0; i++)
                r = remove_file(s, m, &m->files[i], err);
        return r;
}

void removal_end(struct removal *m)
{
        for (size_t i = 0; i < m->n; i++)
                if (m->files[i].lock >= 0)
                        close(m->files[i].lock);
        free(m->files);
        *m = (struct removal){};
}
