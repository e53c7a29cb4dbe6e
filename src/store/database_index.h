/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of the write-ahead log ("-shm"), which SQLite maps. It makes room for it by a byte a page; where blocks are
 * smaller than that the rest of the page is a hole, and on a full disk who writes there is ended by SIGBUS.
 */
#pragma once

#include <sqlite3.h>

/* That of a database file, in place of the file system's own. */
struct database_index {
        sqlite3_io_methods methods;
        const sqlite3_io_methods *real;
};

/*
 * Gives the pages of the index of an open database their blocks when they are mapped: without room that fails, as
 * writing does (SQLITE_FULL). `index` outlives the database. Does nothing where blocks are as large as pages.
 */
void database_index_guard(sqlite3 *db, const char *path, struct database_index *index);
