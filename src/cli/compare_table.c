/* SPDX-License-Identifier: Apache-2.0 */
/* The table for people: a row a place; each cell has the median, the least and the most, and the ratio to bare. */
#include "cli/compare.h"
#include "cli/table.h"
#include "cli/text_line.h"

static void add_cell(struct buf *out, const struct compare_work *w, enum compare_place p, enum compare_measure m)
{
        const struct compare_row *row = &w->rows[p], *bare = &w->rows[COMPARE_BARE];
        struct compare_figure f = compare_figure(row, m);

        compare_add_value(out, m, f.known ? f.median : COMPARE_UNKNOWN);
        if (f.known && row->n > 1 && f.min != f.max && m != COMPARE_MEMORY && m != COMPARE_DISK) {
                buf_add_str(out, " (");
                compare_add_spread(out, &f);
                buf_add_str(out, ")");
        }
        if (p != COMPARE_BARE && bare->is_there && m != COMPARE_DISK) {
                double ratio = compare_ratio(row, bare, m);

                if (ratio > 0)
                        buf_add_str(out, " ");
                compare_add_ratio(out, ratio);
        }
}

static void add_row(struct table *t, const struct compare_work *w, enum compare_place p)
{
        struct buf cells[COMPARE_MEASURES] = {};
        const char *texts[1 + COMPARE_MEASURES] = { compare_place_name(p) };

        for (unsigned m = 0; m < COMPARE_MEASURES; m++) {
                add_cell(&cells[m], w, p, m);
                texts[1 + m] = buf_str(&cells[m]);
        }
        table_add(t, texts);
        for (unsigned m = 0; m < COMPARE_MEASURES; m++)
                buf_finish(&cells[m]);
}

static void add_work(const struct compare_work *w, struct buf *out)
{
        static const char *const titles[] = { "", "START", "WORK", "WHOLE", "CPU", "MEMORY", "DISK" };
        own_table struct table t = { .columns = 1 + COMPARE_MEASURES, .gap = 3 };

        buf_add_str(out, "\n");
        text_add_line(out, w->name, 0);
        buf_add_str(out, ": ");
        text_add_line(out, w->what, 0);
        buf_add_str(out, "\n");
        table_add(&t, titles);
        for (unsigned p = 0; p < COMPARE_PLACES; p++)
                if (w->rows[p].is_there)
                        add_row(&t, w, p);
        table_write(&t, out);
}

void compare_write_table(const struct compare_report *r, struct buf *out)
{
        const struct compare_host *h = &r->host;

        text_add_line(out, h->cpu, 0);
        buf_addf(out, ", %u processor%s; Linux %s; load %.2f; %u round%s\n", h->cpus, h->cpus == 1 ? "" : "s",
                 h->kernel, h->load, r->rounds, r->rounds == 1 ? "" : "s");
        if (compare_has_machines(r)) {
                buf_add_str(out, "Virtual machines: ");
                compare_add_accelerator(out, r);
                buf_add_str(out, "\n");
        }
        for (size_t i = 0; i < r->n_works; i++)
                add_work(&r->works[i], out);
        if (r->notes.len) {
                buf_add_str(out, "\n");
                text_add_lines(out, buf_str(&r->notes));
        }
}
