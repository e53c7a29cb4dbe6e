/* SPDX-License-Identifier: Apache-2.0 */
/* compare_report table|json|html: what `holt compare` prints of figures that are always the same. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "cli/compare.h"

enum { MS = 1000000, KIB = 1024, ROUNDS = 3 };

struct figures {
        uint64_t start, work, cpu, memory, disk;
};

/* The second round takes a tenth longer, the third a tenth less. */
static void fill(struct compare_row *row, struct compare_sample *samples, const struct figures *f)
{
        static const int percent[ROUNDS] = { 100, 110, 90 };

        row->is_there = true;
        row->samples = samples;
        row->n = ROUNDS;
        for (size_t i = 0; i < ROUNDS; i++) {
                struct compare_sample *s = &samples[i];

                s->values[COMPARE_START] = f->start * (uint64_t)percent[i] / 100;
                s->values[COMPARE_WORK] = f->work * (uint64_t)percent[i] / 100;
                s->values[COMPARE_WHOLE] = s->values[COMPARE_START] + s->values[COMPARE_WORK] + MS;
                s->values[COMPARE_CPU] = f->cpu;
                s->values[COMPARE_MEMORY] = f->memory;
                s->values[COMPARE_DISK] = f->disk;
                s->cpu[COMPARE_PROGRAM] = f->cpu - MS;
                s->cpu[COMPARE_SHIM] = MS;
                s->memory[COMPARE_PROGRAM] = f->memory == COMPARE_UNKNOWN ? 0 : f->memory;
                s->own_cpu = f->cpu / 2;
        }
}

static void print(const char *as, const struct compare_report *r)
{
        own_buf struct buf out = {};

        if (strcmp(as, "table") == 0)
                compare_write_table(r, &out);
        else if (strcmp(as, "json") == 0)
                compare_write_json(r, &out);
        else
                compare_write_html(r, &out);
        fputs(buf_str(&out), stdout);
}

int main(int argc, char **argv)
{
        static const struct figures bare = { MS / 2, 250 * MS, 251 * MS, 700 * KIB, 0 };
        static const struct figures container = { 8 * MS, 255 * MS, 262 * MS, 2000 * KIB, 24 * KIB };
        static const struct figures cold = { 2000ULL * MS, 4000ULL * MS, 6000ULL * MS, 219 << 20, 196 * KIB };
        static const struct figures vm = { 170ULL * MS, 4000ULL * MS, 6000ULL * MS, COMPARE_UNKNOWN, 196 * KIB };
        static const struct figures warm = { 40ULL * MS, 4000ULL * MS, 5000ULL * MS, 60 << 20, 196 * KIB };
        static struct compare_sample samples[6][ROUNDS];
        struct compare_work works[] = { { .name = "cpu", .what = "sorting" },
                                        { .name = "command", .what = "sh -c 'a <b >\"c\" && d\033[31m'" } };
        struct compare_report r = { .host = { .cpu = "A <fast> processor",
                                              .kernel = "6.1.0-1",
                                              .cpus = 2,
                                              .memory = 4ULL << 30,
                                              .load = 0.25,
                                              .busy = 0.5 },
                                    .accelerator = "tcg",
                                    .accelerator_reason = "/dev/kvm: no such file & no rights",
                                    .image = "debian:12",
                                    .rounds = ROUNDS,
                                    .works = works,
                                    .n_works = ARRAY_SIZE(works) };

        if (argc != 2)
                return 2;
        fill(&works[0].rows[COMPARE_BARE], samples[0], &bare);
        fill(&works[0].rows[COMPARE_CONTAINER], samples[1], &container);
        fill(&works[0].rows[COMPARE_VM], samples[2], &vm);
        fill(&works[0].rows[COMPARE_VM_COLD], samples[3], &cold);
        fill(&works[0].rows[COMPARE_VM_WARM], samples[5], &warm);
        fill(&works[1].rows[COMPARE_CONTAINER], samples[4], &container);
        buf_add_str(&r.notes, "the host is busy\na <second> note\n");
        print(argv[1], &r);
        buf_finish(&r.notes);
        return 0;
}
