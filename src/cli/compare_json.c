/* SPDX-License-Identifier: Apache-2.0 */
/* The report for programs: times in nanoseconds, sizes in bytes, null for what nobody could count. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/compare.h"

static void write_real(struct json_writer *w, const char *key, double v)
{
        char text[64];

        snprintf(text, sizeof text, "%.3f", v);
        json_write_raw(w, key, text);
}

static void write_host(struct json_writer *w, const struct compare_host *h)
{
        json_begin_object(w, "Host");
        json_write_string(w, "CPU", h->cpu);
        json_write_u64(w, "CPUs", h->cpus);
        json_write_u64(w, "Memory", h->memory);
        json_write_string(w, "Kernel", h->kernel);
        write_real(w, "Load", h->load);
        write_real(w, "Busy", h->busy);
        json_end_object(w);
}

static void write_values(struct json_writer *w, const struct compare_row *row, enum compare_measure m)
{
        json_begin_array(w, "Values");
        for (size_t i = 0; i < row->n; i++) {
                if (row->samples[i].values[m] == COMPARE_UNKNOWN)
                        json_write_raw(w, NULL, "null");
                else
                        json_write_u64(w, NULL, row->samples[i].values[m]);
        }
        json_end_array(w);
}

static void write_figure(struct json_writer *w, const struct compare_row *row, const struct compare_row *bare,
                         enum compare_measure m)
{
        struct compare_figure f = compare_figure(row, m);
        double ratio = compare_ratio(row, bare, m);

        json_begin_object(w, compare_measure_name(m));
        if (f.known) {
                json_write_u64(w, "Median", f.median);
                json_write_u64(w, "Min", f.min);
                json_write_u64(w, "Max", f.max);
        }
        if (ratio > 0)
                write_real(w, "OfBare", ratio);
        write_values(w, row, m);
        json_end_object(w);
}

static void write_parts(struct json_writer *w, const struct compare_row *row, const char *key, bool of_memory)
{
        json_begin_object(w, key);
        for (unsigned p = 0; p < COMPARE_PARTS; p++)
                json_write_u64(w, compare_part_name(p), compare_part_median(row, p, of_memory));
        json_end_object(w);
}

static void write_row(struct json_writer *w, const struct compare_work *work, enum compare_place p)
{
        const struct compare_row *row = &work->rows[p];

        json_begin_object(w, NULL);
        json_write_string(w, "Place", compare_place_name(p));
        for (unsigned m = 0; m < COMPARE_MEASURES; m++)
                write_figure(w, row, &work->rows[COMPARE_BARE], m);
        write_parts(w, row, "CPUParts", false);
        write_parts(w, row, "MemoryParts", true);
        json_write_u64(w, "CPUOfWork", compare_own_cpu(row));
        json_end_object(w);
}

static void write_notes(struct json_writer *w, const char *notes)
{
        json_begin_array(w, "Notes");
        while (*notes) {
                size_t len = strcspn(notes, "\n");
                own_buf struct buf line = {};

                buf_add(&line, notes, len);
                json_write_string(w, NULL, buf_str(&line));
                notes += len + (notes[len] == '\n');
        }
        json_end_array(w);
}

void compare_write_json(const struct compare_report *r, struct buf *out)
{
        struct json_writer w = { .out = out, .indent = 2 };

        json_begin_object(&w, NULL);
        write_host(&w, &r->host);
        if (compare_has_machines(r)) {
                json_write_string(&w, "Accelerator", r->accelerator);
                json_write_string(&w, "AcceleratorReason", r->accelerator_reason);
        }
        if (r->image)
                json_write_string(&w, "Image", r->image);
        json_write_u64(&w, "Rounds", r->rounds);
        json_begin_array(&w, "Works");
        for (size_t i = 0; i < r->n_works; i++) {
                json_begin_object(&w, NULL);
                json_write_string(&w, "Name", r->works[i].name);
                json_write_string(&w, "What", r->works[i].what);
                json_begin_array(&w, "Rows");
                for (unsigned p = 0; p < COMPARE_PLACES; p++)
                        if (r->works[i].rows[p].is_there)
                                write_row(&w, &r->works[i], p);
                json_end_array(&w);
                json_end_object(&w);
        }
        json_end_array(&w);
        write_notes(&w, buf_str(&r->notes));
        json_end_object(&w);
        buf_add_str(out, "\n");
}
