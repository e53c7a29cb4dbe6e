/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "store/store_private.h"
#include "sys/fd.h"

#define DATABASE "holt.db"

/* For as long as it takes another process to make a store. */
enum { LOCK_TRIES = 1000, LOCK_PAUSE_NS = 10 * 1000 * 1000 };

const char *store_root(const struct store *s)
{
        return s->root;
}

const char *store_run(const struct store *s)
{
        return s->run;
}

const char *store_boot(struct store *s)
{
        if (!*s->boot)
                fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", s->boot, sizeof s->boot);
        return s->boot;
}

/* Others than absolute ones are to be ignored (XDG Base Directory Specification). */
static const char *directory_env(const char *name)
{
        const char *value = getenv(name);

        return value && *value == '/' ? value : NULL;
}

/* The first of them that is set, with what is to stand behind it; NULL without memory or any. */
static char *below(const char *first, const char *behind_first, const char *second, const char *behind_second)
{
        char *path = NULL;

        if (first)
                return asprintf(&path, "%s%s", first, behind_first) < 0 ? NULL : path;
        if (second)
                return asprintf(&path, "%s%s", second, behind_second) < 0 ? NULL : path;
        return NULL;
}

/* NULL without memory or a place. */
static char *find_root(const char *given)
{
        if (given)
                return strdup(given);
        if (geteuid() == 0)
                return strdup("/var/lib/holt");
        return below(directory_env("XDG_DATA_HOME"), "/holt", directory_env("HOME"), "/.local/share/holt");
}

/* Without a directory of the session the store has one, which outlives a boot, but is nobody else's. */
static char *find_run(const char *given, const char *root)
{
        char *path = NULL;

        if (given)
                return strdup(given);
        if (geteuid() == 0)
                return strdup("/run/holt");
        path = below(directory_env("XDG_RUNTIME_DIR"), "/holt", NULL, NULL);
        return path ? path : below(root, "/run", NULL, NULL);
}

static int open_directory(struct store *s, struct error *err)
{
        const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
        int r;

        s->root_fd = open(s->root, flags);
        if (s->root_fd < 0 && errno == ENOENT) {
                r = fd_mkdir_all(s->root, 0700);
                if (r < 0)
                        return error_errno(err, -r, "make the store %s", s->root);
                s->root_fd = open(s->root, flags);
        }
        if (s->root_fd < 0)
                return error_errno(err, errno, "open the store %s", s->root);
        /* On a file system that is read-only it is not needed; who needs it will say so. */
        if (mkdir(s->run, 0700) < 0 && errno == ENOENT)
                fd_mkdir_all(s->run, 0700);
        return 0;
}

/* Who has it exclusively may make and replace the database. -EBUSY */
static int lock_directory(struct store *s, int operation, struct error *err)
{
        int r;

        do
                r = flock(s->root_fd, operation | LOCK_NB);
        while (r < 0 && errno == EINTR);
        if (r == 0)
                return 0;
        return errno == EWOULDBLOCK ? error_set(err, EBUSY, "the store %s is in use by another process", s->root)
                                    : error_errno(err, errno, "lock the store %s", s->root);
}

static int open_database(struct store *s, bool create, struct error *err)
{
        own_mem char *path = NULL;

        if (asprintf(&path, "%s/" DATABASE, s->root) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        return database_open(&s->database, path, create, err);
}

static int make_directories(struct store *s, struct error *err)
{
        static const char *const names[] = { "layers", "blobs", "blobs/sha256", "blobs/sha512", "tmp" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (mkdirat(s->root_fd, names[i], 0700) < 0 && errno != EEXIST)
                        return error_errno(err, errno, "make %s/%s", s->root, names[i]);
        return 0;
}

/* Its mode is what SQLite gives to the files beside it, too. */
static int make_database_file(struct store *s, struct error *err)
{
        own_fd int fd = openat(s->root_fd, DATABASE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        return fd < 0 ? error_errno(err, errno, "make %s/" DATABASE, s->root) : 0;
}

static int fill_database(struct store *s, struct error *err)
{
        own_transaction struct transaction t = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_DURABLE, err);

        if (r == 0)
                r = schema_make(&s->database, err);
        if (r == 0)
                r = rebuild_from_files(s, err);
        return r < 0 ? r : transaction_commit(&t, err);
}

/* With the directory's exclusive lock. Another process may have made it while we waited for that. */
static int make_database(struct store *s, struct error *err)
{
        int r = make_directories(s, err);

        if (r == 0)
                r = make_database_file(s, err);
        if (r == 0)
                r = open_database(s, true, err);
        if (r == 0)
                r = schema_check(&s->database, err);
        if (r <= 0)
                return r;
        r = database_script(&s->database, "PRAGMA journal_mode = WAL", err);
        if (r == 0)
                r = fill_database(s, err);
        if (r < 0)
                return r;
        database_checkpoint(&s->database);
        reserve_make(s);
        return 0;
}

/* A database that is missing is made again from the files: what else is there would be taken for waste. */
static int prepare_database(struct store *s, struct error *err)
{
        int r = lock_directory(s, LOCK_SH, err);

        if (r == 0)
                r = open_database(s, false, err);
        if (r == 0)
                r = schema_check(&s->database, err);
        if (r == 0 || (r < 0 && r != -ENOENT))
                return r;
        database_close(&s->database);
        r = lock_directory(s, LOCK_EX, err);
        if (r == 0)
                r = make_database(s, err);
        return r < 0 ? r : lock_directory(s, LOCK_SH, err);
}

/* Again while another process makes it. */
static int wait_for_database(struct store *s, struct error *err)
{
        const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
        int r;

        for (int i = 0; (r = prepare_database(s, err)) == -EBUSY && i < LOCK_TRIES; i++) {
                if (s->database.db)
                        database_close(&s->database);
                nanosleep(&pause, NULL);
        }
        return r;
}

/* Even to read, SQLite needs an index of its log, for which there may be no room. */
static int open_on_full_disk(struct store *s, struct error *err)
{
        if (!reserve_use(s))
                return -ENOSPC;
        if (s->database.db)
                database_close(&s->database);
        return wait_for_database(s, err);
}

int store_places(const char *root, const char *run, char **ret_root, char **ret_run, struct error *err)
{
        own_mem char *found = find_root(root), *found_run = NULL;

        if (!found)
                return !root && geteuid() != 0 && !directory_env("HOME")
                               ? error_set(err, ENOENT, "no place for the store: HOME is not set")
                               : error_set(err, ENOMEM, "out of memory");
        found_run = find_run(run, found);
        if (!found_run)
                return error_set(err, ENOMEM, "out of memory");
        *ret_root = take_ptr(found);
        *ret_run = take_ptr(found_run);
        return 0;
}

/* Finds the places, and opens the directory. */
static int store_init(struct store *s, const char *root, const char *run, struct error *err)
{
        int r = store_places(root, run, &s->root, &s->run, err);

        s->root_fd = -1;
        return r < 0 ? r : open_directory(s, err);
}

int store_open(const char *root, const char *run, struct store **ret, struct error *err)
{
        own_store struct store *s = calloc(1, sizeof *s);
        int r = s ? store_init(s, root, run, err) : error_set(err, ENOMEM, "out of memory");

        if (r < 0 || !s)
                return r;
        r = wait_for_database(s, err);
        if (r == -ENOSPC)
                r = open_on_full_disk(s, err);
        if (r == 0)
                *ret = take_ptr(s);
        return r;
}

static int set_aside(struct store *s, const char *suffix, struct error *err)
{
        char from[64], to[64];

        snprintf(from, sizeof from, DATABASE "%s", suffix);
        snprintf(to, sizeof to, DATABASE ".damaged%s", suffix);
        if (renameat(s->root_fd, from, s->root_fd, to) < 0 && errno != ENOENT)
                return error_errno(err, errno, "rename %s/%s", s->root, from);
        return 0;
}

int store_rebuild(const char *root, const char *run, struct error *err)
{
        own_store struct store *s = calloc(1, sizeof *s);
        int r = s ? store_init(s, root, run, err) : error_set(err, ENOMEM, "out of memory");

        if (r < 0 || !s)
                return r;
        r = lock_directory(s, LOCK_EX, err);
        /* The database first: without it, SQLite does not take the others for anything. */
        if (r == 0)
                r = set_aside(s, "", err);
        if (r == 0)
                r = set_aside(s, "-wal", err);
        if (r == 0)
                r = set_aside(s, "-shm", err);
        return r < 0 ? r : make_database(s, err);
}

void store_close(struct store *s)
{
        int saved = errno;

        if (!s)
                return;
        blob_unpin_all(s);
        /* As long as there is room: else the log grows until there is none. */
        if (s->database.db && s->reserve_used)
                database_checkpoint(&s->database);
        if (s->database.db)
                database_close(&s->database);
        later_go(&s->later);
        if (s->reserve_wanted)
                reserve_make(s);
        if (s->root_fd >= 0)
                close(s->root_fd);
        free(s->root);
        free(s->run);
        free(s);
        errno = saved;
}
