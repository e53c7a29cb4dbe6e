/* SPDX-License-Identifier: Apache-2.0 */
/* A table of text whose columns are as wide as their widest cell. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

enum { TABLE_MAX_COLUMNS = 16 };

struct table_row {
        struct table_row *next;
        const char *cells[TABLE_MAX_COLUMNS];
};

struct table {
        size_t columns;
        size_t min_width, gap;            /* a column is at least min_width wide with the gap behind it */
        size_t widths[TABLE_MAX_COLUMNS]; /* in characters */
        struct table_row *first, *last;
        struct arena arena;
};

#define own_table __attribute__((cleanup(table_finish)))

/* Adds a row of `columns` cells, which are copied; a NULL cell is empty. 0 or -ENOMEM. */
int table_add(struct table *t, const char *const *cells);

/* Appends all rows, each with a newline; the last column is not filled up. */
void table_write(const struct table *t, struct buf *out);
void table_finish(struct table *t);
