/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_strays.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"

/* As long do others wait. */
enum { BATCH = 256 };

#define RECIPE ".recipe"

/* Whether a row wants that file: 1, 0 or an error. */
static int is_known(struct store *s, const char *path, struct error *err)
{
        const char *name = strrchr(path, '/') + 1;
        size_t len = strlen(name);
        bool recipe = len > strlen(RECIPE) && strcmp(name + len - strlen(RECIPE), RECIPE) == 0;
        struct digest d;

        if (!file_digest(name, recipe ? len - strlen(RECIPE) : len, &d))
                return 0;
        if (strncmp(path, "blobs/", 6) == 0)
                return !recipe ? database_has(&s->database, err, "SELECT 1 FROM blob WHERE digest = ?1", "d", &d) : 0;
        if (strncmp(path, "layers/", 7) != 0)
                return 0;
        return recipe ? database_has(&s->database, err, "SELECT 1 FROM layer WHERE diff_id = ?1 AND recipe_size > 0",
                                     "d", &d)
                      : database_has(&s->database, err, "SELECT 1 FROM layer WHERE diff_id = ?1", "d", &d);
}

static int add_unknown(struct store *s, const char *directory, const char *name, void *userdata, struct error *err)
{
        struct stray_list *list = userdata;
        struct stray stray;
        int r;

        if (snprintf(stray.path, sizeof stray.path, "%s/%s", directory, name) >= (int)sizeof stray.path)
                return 0;
        r = is_known(s, stray.path, err);
        if (r != 0)
                return r < 0 ? r : 0;
        if (array_grow(&list->strays, &list->cap, list->n + 1, sizeof *list->strays) < 0)
                return error_set(err, ENOMEM, "out of memory");
        list->strays[list->n++] = stray;
        return 0;
}

static int find_all(struct store *s, struct stray_list *ret, struct error *err)
{
        static const char *const directories[] = { "layers", "blobs/sha256", "blobs/sha512", "tmp" };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(directories) && r == 0; i++)
                r = file_each(s, directories[i], add_unknown, ret, err);
        return r;
}

/* In a transaction that changes. What cannot be removed (a directory that is not empty) is none of ours, and stays. */
static int remove_stray(struct store *s, const char *path, struct store_collected *done, struct error *err)
{
        own_fd int fd = -1;
        struct digest d;
        int64_t size;
        int r = is_known(s, path, err);

        if (r != 0)
                return r < 0 ? r : 0;
        fd = file_lock(s, path, LOCK_EX | LOCK_NB, NULL);
        if (fd == -EBUSY || fd == -ENOENT)
                return 0;
        if (strncmp(path, "layers/", 7) == 0 && file_digest(path + 7, strlen(path + 7), &d))
                r = layer_detach(s, &d, err);
        if (r < 0)
                return r;
        size = file_unlink(s, path, NULL);
        if (size < 0)
                return 0;
        done->files++;
        done->bytes += (uint64_t)size;
        return 0;
}

static int remove_batch(struct store *s, const struct stray *strays, size_t n, struct store_collected *done,
                        struct error *err)
{
        own_transaction struct transaction t = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        for (size_t i = 0; i < n && r == 0; i++)
                r = remove_stray(s, strays[i].path, done, err);
        return r;
}

static bool is_pinned(struct store *s, const char *path)
{
        own_fd int fd = file_lock(s, path, LOCK_EX | LOCK_NB, NULL);

        return fd == -EBUSY;
}

int strays_find(struct store *s, struct stray_list *ret, struct error *err)
{
        own_transaction struct transaction t = {};
        size_t kept = 0;
        int r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        if (r == 0)
                r = find_all(s, ret, err);
        for (size_t i = 0; i < ret->n; i++)
                if (!is_pinned(s, ret->strays[i].path))
                        ret->strays[kept++] = ret->strays[i];
        ret->n = kept;
        return r;
}

int strays_remove(struct store *s, struct store_collected *done, struct error *err)
{
        struct stray_list list = {};
        int r = find_all(s, &list, err);

        for (size_t i = 0; i < list.n && r == 0; i += BATCH)
                r = remove_batch(s, list.strays + i, list.n - i < BATCH ? list.n - i : BATCH, done, err);
        free(list.strays);
        return r;
}
