/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/compare.h"
#include "cli/human.h"

static int compare_numbers(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static int compare_reals(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Sorts them. */
static struct compare_figure figure_of(uint64_t *values, size_t n)
{
        struct compare_figure f = {};

        if (!n)
                return f;
        qsort(values, n, sizeof *values, compare_numbers);
        f.known = true;
        f.min = values[0];
        f.max = values[n - 1];
        f.median = n % 2 ? values[n / 2] : values[n / 2 - 1] + (values[n / 2] - values[n / 2 - 1]) / 2;
        return f;
}

struct compare_figure compare_figure(const struct compare_row *row, enum compare_measure m)
{
        own_mem uint64_t *values = calloc(row->n + 1, sizeof *values);
        size_t n = 0;

        for (size_t i = 0; values && i < row->n; i++)
                if (row->samples[i].values[m] != COMPARE_UNKNOWN)
                        values[n++] = row->samples[i].values[m];
        return figure_of(values, n);
}

double compare_ratio(const struct compare_row *row, const struct compare_row *bare, enum compare_measure m)
{
        size_t rounds = row->n < bare->n ? row->n : bare->n, n = 0;
        own_mem double *ratios = calloc(rounds + 1, sizeof *ratios);

        for (size_t i = 0; ratios && i < rounds; i++) {
                uint64_t have = row->samples[i].values[m], base = bare->samples[i].values[m];

                if (have != COMPARE_UNKNOWN && base != COMPARE_UNKNOWN && base)
                        ratios[n++] = (double)have / (double)base;
        }
        if (!n)
                return 0;
        qsort(ratios, n, sizeof *ratios, compare_reals);
        return n % 2 ? ratios[n / 2] : (ratios[n / 2 - 1] + ratios[n / 2]) / 2;
}

uint64_t compare_part_median(const struct compare_row *row, enum compare_part p, bool of_memory)
{
        own_mem uint64_t *values = calloc(row->n + 1, sizeof *values);

        for (size_t i = 0; values && i < row->n; i++)
                values[i] = of_memory ? row->samples[i].memory[p] : row->samples[i].cpu[p];
        return figure_of(values, values ? row->n : 0).median;
}

uint64_t compare_own_cpu(const struct compare_row *row)
{
        own_mem uint64_t *values = calloc(row->n + 1, sizeof *values);

        for (size_t i = 0; values && i < row->n; i++)
                values[i] = row->samples[i].own_cpu;
        return figure_of(values, values ? row->n : 0).median;
}

/* Three digits that count. */
static void add_three(struct buf *out, double v)
{
        buf_addf(out, "%.*f", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v);
}

static double unit_of(uint64_t ns)
{
        return ns < 999500000 ? 1e6 : 1e9;
}

static void add_time(struct buf *out, uint64_t ns)
{
        double unit = unit_of(ns);

        add_three(out, (double)ns / unit);
        buf_add_str(out, unit < 1e9 ? " ms" : " s");
}

void compare_add_value(struct buf *out, enum compare_measure m, uint64_t value)
{
        char text[HUMAN_SIZE_MAX];

        if (value == COMPARE_UNKNOWN) {
                buf_add_str(out, "--");
        } else if (m == COMPARE_MEMORY || m == COMPARE_DISK) {
                human_binary_size(value, text);
                buf_add_str(out, text);
        } else {
                add_time(out, value);
        }
}

void compare_add_spread(struct buf *out, const struct compare_figure *f)
{
        double unit = unit_of(f->median);

        add_three(out, (double)f->min / unit);
        buf_add_str(out, "..");
        add_three(out, (double)f->max / unit);
}

void compare_add_ratio(struct buf *out, double ratio)
{
        if (ratio <= 0)
                return;
        buf_add_str(out, "x");
        add_three(out, ratio);
}
