/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <errno.h>
#include <string.h>

/* Characters, not bytes: a byte that goes on with one does not count. */
static size_t text_width(const char *s)
{
        size_t n = 0;

        for (; *s; s++)
                n += ((unsigned char)*s & 0xc0) != 0x80;
        return n;
}

int table_add(struct table *t, const char *const *cells)
{
        struct table_row *row = arena_alloc(&t->arena, 1, sizeof *row);

        if (!row)
                return -ENOMEM;
        for (size_t i = 0; i < t->columns; i++) {
                size_t width = cells[i] ? text_width(cells[i]) : 0;

                row->cells[i] = arena_strdup(&t->arena, cells[i] ? cells[i] : "");
                if (!row->cells[i])
                        return -ENOMEM;
                if (width > t->widths[i])
                        t->widths[i] = width;
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
                        buf_addf(out, "%s%*s", row->cells[i], (int)(column_width(t, i) - text_width(row->cells[i])),
                                 "");
                buf_addf(out, "%s\n", row->cells[t->columns - 1]);
        }
}

void table_finish(struct table *t)
{
        arena_finish(&t->arena);
        *t = (struct table){};
}
