/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite, as the store needs it: statements that are prepared once, values by a string of types, transactions that end
 * with their scope. Knows nothing of what is in the database (store_schema.c does).
 *
 * Errors: -ENOSPC, -ENOMEM, -EROFS, -EACCES and the like as the system said it, -ETIMEDOUT when another process kept
 * the database for too long, -EUCLEAN when it is damaged.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/error.h"
#include "oci/digest.h"
#include "store/database_index.h"

struct statement {
        const char *sql; /* a literal: told apart by its address */
        sqlite3_stmt *stmt;
        bool busy;
};

struct database {
        sqlite3 *db;
        struct statement *statements;
        size_t n, cap;
        bool durable;       /* as SQLite has been told; see transaction_begin() */
        int64_t busy_since; /* seconds */
        int log_pages;      /* after our last commit */
        bool rehearses;     /* database_rehearse() */
        struct database_index index;
};

/* -ENOENT: there is none, and create is false. */
int database_open(struct database *d, const char *path, bool create, struct error *err);
void database_close(struct database *d);

/* Empties the log into the database, if nobody needs it and there is room. */
void database_checkpoint(struct database *d);

/* Nothing can be written: the file system is read-only, or the file is. */
bool database_is_read_only(struct database *d);

/* Runs statements without values: for the schema. */
int database_script(struct database *d, const char *sql, struct error *err);

/* Of "PRAGMA user_version". */
int database_version(struct database *d, int64_t *ret, struct error *err);

/*
 * Runs a statement that gives no rows. types: a letter for each value: 't' const char *, 'i' int64_t, 'd' const struct
 * digest *. Returns the number of rows that it changed (at most INT_MAX).
 */
int database_run(struct database *d, struct error *err, const char *sql, const char *types, ...);

struct query {
        struct database *database;
        sqlite3_stmt *stmt;
        size_t cached; /* of database->statements, or SIZE_MAX */
};

/* Begins a statement that gives rows; values as for database_run(), strings have to live as long as the query. */
int query_begin(struct query *q, struct database *d, struct error *err, const char *sql, const char *types, ...);
/* 1: there is a row, 0: there is none any more, or an error. */
int query_next(struct query *q, struct error *err);
int64_t query_number(struct query *q, int column);
/* Lives until the next row; "" for NULL. */
const char *query_text(struct query *q, int column);
void query_digest(struct query *q, int column, struct digest *ret);
void query_end(struct query *q);
#define own_query __attribute__((cleanup(query_end)))

/* Whether the statement gives a row: 1, 0 or an error. */
int database_has(struct database *d, struct error *err, const char *sql, const char *types, ...);

enum transaction_kind {
        TRANSACTION_READ,
        TRANSACTION_CHANGE,  /* alone: one process at a time. Gone if the power goes before SQLite's next checkpoint */
        TRANSACTION_DURABLE, /* likewise, and on the disk once it is committed, with all before it */
};

struct transaction {
        struct database *database;
};

/* From here on each transaction sees what those before it did, and none of it stays. Nobody else changes anything until
 * the database is closed. */
int database_rehearse(struct database *d, struct error *err);

int transaction_begin(struct transaction *t, struct database *d, enum transaction_kind kind, struct error *err);
int transaction_commit(struct transaction *t, struct error *err);
/* Takes everything back unless it was committed. */
void transaction_end(struct transaction *t);
#define own_transaction __attribute__((cleanup(transaction_end)))
