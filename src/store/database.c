/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/grow.h"

/* A collection of ten thousand layers keeps the others waiting for less than a second; a slow disk may make it more. */
enum { BUSY_SECONDS = 60, BUSY_MAX_PAUSE_US = 5000 };

/* To read a long log takes the first who opens the database 0.1 ms. */
enum { LOG_LONG = 64, LOG_MOST = 1000 };

/* SQLite's own handler ends with pauses of 0.1 s, in which others who want to change much always are faster. */
static int wait_busy(void *userdata, int times)
{
        struct database *d = userdata;
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        if (times == 0)
                d->busy_since = now.tv_sec;
        if (now.tv_sec - d->busy_since > BUSY_SECONDS)
                return 0;
        usleep(times < 10 ? 100U << (times / 2) : 1 + (unsigned)now.tv_nsec % BUSY_MAX_PAUSE_US);
        return 1;
}

static int io_errno(struct database *d, int code)
{
        int system = d->db ? sqlite3_system_errno(d->db) : 0;

        if (code == SQLITE_IOERR_NOMEM)
                return ENOMEM;
        return system ? system : EIO;
}

static int code_errno(struct database *d, int code)
{
        switch (code & 0xff) {
        case SQLITE_NOMEM:
                return ENOMEM;
        case SQLITE_FULL:
                return ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return ETIMEDOUT;
        case SQLITE_READONLY:
        case SQLITE_PROTOCOL:
                return EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return EACCES;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return EUCLEAN;
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR:
                return io_errno(d, code);
        default:
                return EIO;
        }
}

static int database_failed(struct database *d, int code, struct error *err)
{
        int number = code_errno(d, code);

        if (number == ETIMEDOUT)
                return error_set(err, number, "the store is busy: another process has been changing it for %d seconds",
                                 BUSY_SECONDS);
        if (code == SQLITE_PROTOCOL)
                return error_set(err, number,
                                 "the store is read-only, and a process that changed it was killed: it has to be "
                                 "opened once where it can be written");
        if (number == EUCLEAN)
                return error_set(err, number,
                                 "the store's database is damaged (%s): \"holt system check --repair\" makes it anew "
                                 "from the files",
                                 sqlite3_errstr(code));
        if (number == EIO)
                return error_set(err, number, "the store's database: %s", d->db ? sqlite3_errmsg(d->db) : "error");
        return error_errno(err, number, "the store's database");
}

int database_script(struct database *d, const char *sql, struct error *err)
{
        int code = sqlite3_exec(d->db, sql, NULL, NULL, NULL);

        return code == SQLITE_OK ? 0 : database_failed(d, code, err);
}

/* After each commit. A process that goes on and on does not let the log do so. */
static int count_log(void *userdata, sqlite3 *db, const char *name, int pages)
{
        struct database *d = userdata;

        d->log_pages = pages;
        return pages < LOG_MOST ? SQLITE_OK
                                : sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/*
 * The write-ahead log and its index stay when the last process closes the database: making and removing them each time
 * costs a listing half of its time, and could not be done on a file system that is full or read-only. Nor is the log
 * brought into the database then, which waits for the disk twice, but when it has become long.
 */
static int configure(struct database *d, struct error *err)
{
        int persist = 1;

        sqlite3_extended_result_codes(d->db, 1);
        sqlite3_busy_handler(d->db, wait_busy, d);
        sqlite3_wal_hook(d->db, count_log, d);
        sqlite3_file_control(d->db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
        sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_db_config(d->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
        return database_script(d, "PRAGMA journal_size_limit = 0; PRAGMA synchronous = NORMAL", err);
}

int database_open(struct database *d, const char *path, bool create, struct error *err)
{
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
        int code = sqlite3_open_v2(path, &d->db, flags, NULL);
        int r = code == SQLITE_OK ? 0 : database_failed(d, code, err);

        if (r == 0) {
                database_index_guard(d->db, path, &d->index);
                r = configure(d, err);
        }
        if (r < 0)
                database_close(d);
        return r;
}

/* How far the log was brought in before is not known to who opens the database first: only an empty one begins anew. */
void database_checkpoint(struct database *d)
{
        sqlite3_busy_handler(d->db, NULL, NULL);
        sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        sqlite3_busy_handler(d->db, wait_busy, d);
}

void database_close(struct database *d)
{
        for (size_t i = 0; i < d->n; i++)
                sqlite3_finalize(d->statements[i].stmt);
        free(d->statements);
        if (d->db && d->log_pages >= LOG_LONG)
                database_checkpoint(d);
        sqlite3_close(d->db);
        *d = (struct database){};
}

bool database_is_read_only(struct database *d)
{
        return sqlite3_db_readonly(d->db, "main") == 1;
}

static int prepare(struct database *d, const char *sql, sqlite3_stmt **ret, struct error *err)
{
        int code = sqlite3_prepare_v3(d->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

        return code == SQLITE_OK ? 0 : database_failed(d, code, err);
}

/* The statement from the cache; one that is in use further up the stack is prepared once more. */
static int query_prepare(struct query *q, const char *sql, struct error *err)
{
        struct database *d = q->database;
        int r;

        q->cached = SIZE_MAX;
        for (size_t i = 0; i < d->n; i++) {
                if (d->statements[i].sql != sql)
                        continue;
                if (d->statements[i].busy)
                        return prepare(d, sql, &q->stmt, err);
                d->statements[i].busy = true;
                q->cached = i;
                q->stmt = d->statements[i].stmt;
                return 0;
        }
        if (array_grow(&d->statements, &d->cap, d->n + 1, sizeof *d->statements) < 0)
                return error_set(err, ENOMEM, "out of memory");
        r = prepare(d, sql, &q->stmt, err);
        if (r < 0)
                return r;
        q->cached = d->n;
        d->statements[d->n++] = (struct statement){ sql, q->stmt, true };
        return 0;
}

static int query_bind(struct query *q, const char *types, va_list values, struct error *err)
{
        int code = SQLITE_OK;

        for (int i = 1; *types && code == SQLITE_OK; types++, i++) {
                if (*types == 'i')
                        code = sqlite3_bind_int64(q->stmt, i, va_arg(values, int64_t));
                else if (*types == 'd')
                        code = sqlite3_bind_text(q->stmt, i, va_arg(values, const struct digest *)->text, -1,
                                                 SQLITE_STATIC);
                else
                        code = sqlite3_bind_text(q->stmt, i, va_arg(values, const char *), -1, SQLITE_STATIC);
        }
        return code == SQLITE_OK ? 0 : database_failed(q->database, code, err);
}

static int query_start(struct query *q, struct database *d, struct error *err, const char *sql, const char *types,
                       va_list values)
{
        int r;

        *q = (struct query){ .database = d };
        r = query_prepare(q, sql, err);
        if (r == 0)
                r = query_bind(q, types, values, err);
        if (r < 0)
                query_end(q);
        return r;
}

int query_begin(struct query *q, struct database *d, struct error *err, const char *sql, const char *types, ...)
{
        va_list values;
        int r;

        va_start(values, types);
        r = query_start(q, d, err, sql, types, values);
        va_end(values);
        return r;
}

int query_next(struct query *q, struct error *err)
{
        int code = sqlite3_step(q->stmt);

        if (code == SQLITE_ROW)
                return 1;
        return code == SQLITE_DONE ? 0 : database_failed(q->database, code, err);
}

void query_end(struct query *q)
{
        if (!q->stmt)
                return;
        if (q->cached == SIZE_MAX) {
                sqlite3_finalize(q->stmt);
        } else {
                sqlite3_reset(q->stmt);
                sqlite3_clear_bindings(q->stmt);
                q->database->statements[q->cached].busy = false;
        }
        q->stmt = NULL;
}

int64_t query_number(struct query *q, int column)
{
        return sqlite3_column_int64(q->stmt, column);
}

const char *query_text(struct query *q, int column)
{
        const char *text = (const char *)sqlite3_column_text(q->stmt, column);

        return text ? text : "";
}

void query_digest(struct query *q, int column, struct digest *ret)
{
        snprintf(ret->text, sizeof ret->text, "%s", query_text(q, column));
}

int database_run(struct database *d, struct error *err, const char *sql, const char *types, ...)
{
        own_query struct query q = {};
        va_list values;
        int r;

        va_start(values, types);
        r = query_start(&q, d, err, sql, types, values);
        va_end(values);
        if (r == 0)
                r = query_next(&q, err);
        return r < 0 ? r : sqlite3_changes(d->db);
}

int database_has(struct database *d, struct error *err, const char *sql, const char *types, ...)
{
        own_query struct query q = {};
        va_list values;
        int r;

        va_start(values, types);
        r = query_start(&q, d, err, sql, types, values);
        va_end(values);
        return r < 0 ? r : query_next(&q, err);
}

int database_version(struct database *d, int64_t *ret, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, d, err, "PRAGMA user_version", "");

        if (r == 0)
                r = query_next(&q, err);
        if (r < 0)
                return r;
        *ret = query_number(&q, 0);
        return 0;
}

static int set_durable(struct database *d, bool durable, struct error *err)
{
        int r;

        if (d->durable == durable)
                return 0;
        r = database_script(d, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err);
        if (r == 0)
                d->durable = durable;
        return r;
}

int database_rehearse(struct database *d, struct error *err)
{
        int r = database_run(d, err, "BEGIN IMMEDIATE", "");

        d->rehearses = r >= 0;
        return r < 0 ? r : 0;
}

/* In a rehearsal it is a part of the one that goes on all the time. */
static int begin_rehearsed(struct transaction *t, struct database *d, struct error *err)
{
        int r = database_run(d, err, "SAVEPOINT rehearsed", "");

        if (r < 0)
                return r;
        t->database = d;
        return 0;
}

int transaction_begin(struct transaction *t, struct database *d, enum transaction_kind kind, struct error *err)
{
        int r = 0;

        if (d->rehearses)
                return begin_rehearsed(t, d, err);
        if (kind != TRANSACTION_READ) {
                if (database_is_read_only(d))
                        return error_set(err, EROFS, "the store is read-only");
                r = set_durable(d, kind == TRANSACTION_DURABLE, err);
        }
        if (r == 0)
                r = database_run(d, err, kind == TRANSACTION_READ ? "BEGIN" : "BEGIN IMMEDIATE", "");
        if (r < 0)
                return r;
        t->database = d;
        return 0;
}

int transaction_commit(struct transaction *t, struct error *err)
{
        int r = t->database->rehearses ? database_run(t->database, err, "RELEASE rehearsed", "")
                                       : database_run(t->database, err, "COMMIT", "");

        if (r < 0)
                return r;
        t->database = NULL;
        return 0;
}

void transaction_end(struct transaction *t)
{
        /* Some errors have ended it already. */
        if (t->database && !sqlite3_get_autocommit(t->database->db))
                sqlite3_exec(t->database->db,
                             t->database->rehearses ? "ROLLBACK TO rehearsed; RELEASE rehearsed" : "ROLLBACK", NULL,
                             NULL, NULL);
        t->database = NULL;
}
