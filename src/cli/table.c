/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <errno.h>
#include <string.h>

int table_add(struct table *t, const char *const *cells)
{
        struct table_row *row = arena_alloc(&t->arena, 1, sizeof *row);

        if (!row)
                return -ENOMEM;
        for (size_t i = 0; i < t->columns; i++) {
                size_t len = cells[i] ? strlen(cells[i]) : 0;

                row->cells[i] = arena_strdup(&t->arena, cells[i] ? cells[i] : "");
                if (!row->cells[i])
                        return -ENOMEM;
                if (len > t->widths[i])
                        t->widths[i] = len;
        }
        if (t->last)
                t->last->next = row;
        else
                t->first = row;
        t->last = row;
        return 0;
}

static size_t column_width(const struct table *t, size_t i)
{
        size_t width = t->widths[i] + t->gap;

        return width < t->min_width ? t->min_width : width;
}

void table_write(const struct table *t, struct buf *out)
{
        for (const struct table_row *row = t->first; row; row = row->next) {
                for (size_t i = 0; i + 1 < t->columns; i++)
                        buf_addf(out, "%-*s", (int)column_width(t, i), row->cells[i]);
                buf_addf(out, "%s\n", row->cells[t->columns - 1]);
        }
}

void table_finish(struct table *t)
{
        arena_finish(&t->arena);
        *t = (struct table){};
}
