/* SPDX-License-Identifier: Apache-2.0 */
/* What holt compare finds out: places, pieces of work, figures of each round. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum compare_place {
        COMPARE_BARE,
        COMPARE_CONTAINER,
        COMPARE_VM,      /* a clone of a template */
        COMPARE_VM_WARM, /* one that has waited */
        COMPARE_VM_COLD, /* one that boots */
        COMPARE_PLACES
};

enum compare_measure {
        COMPARE_START,  /* ns from the command until the work begins */
        COMPARE_WORK,   /* ns until it is done */
        COMPARE_WHOLE,  /* ns until the command has ended, without the time in which we looked */
        COMPARE_CPU,    /* ns of processors, of all that belongs to it */
        COMPARE_MEMORY, /* bytes, PSS, likewise: the most that was seen */
        COMPARE_DISK,   /* bytes that were written and stay */
        COMPARE_MEASURES
};

/* Who of an instance uses processors and memory. */
enum compare_part {
        COMPARE_PROGRAM, /* in a machine: what is inside counts as the machine's */
        COMPARE_COMMAND, /* holt run */
        COMPARE_SHIM,    /* holt-shim, with what cleaning up takes */
        COMPARE_MONITOR, /* holt-vm */
        COMPARE_MACHINE, /* QEMU */
        COMPARE_PARTS
};

#define COMPARE_UNKNOWN UINT64_MAX

struct compare_sample {
        uint64_t values[COMPARE_MEASURES]; /* or COMPARE_UNKNOWN */
        uint64_t cpu[COMPARE_PARTS], memory[COMPARE_PARTS];
        uint64_t own_cpu; /* ns, as the work itself counts, by the guest's clock in a machine */
        uint64_t sum;     /* what the work comes to: the same everywhere */
};

struct compare_row {
        bool is_there;
        struct compare_sample *samples;
        size_t n, cap;
};

struct compare_work {
        const char *name, *what; /* the caller's */
        struct compare_row rows[COMPARE_PLACES];
};

struct compare_host {
        char cpu[128], kernel[128];
        unsigned cpus;
        uint64_t memory;
        double load; /* the average of the last minute */
        double busy; /* the part of all processors that others used, before we began */
};

struct compare_report {
        struct compare_host host;
        const char *accelerator; /* "kvm", "tcg" */
        char accelerator_reason[128];
        const char *image; /* as it was typed; NULL: none */
        unsigned rounds;
        struct compare_work *works;
        size_t n_works;
        struct buf notes; /* a line each */
};

void compare_report_finish(struct compare_report *r);
#define own_compare_report __attribute__((cleanup(compare_report_finish)))

const char *compare_place_name(enum compare_place p); /* "bare" */
bool compare_place_is_machine(enum compare_place p);
const char *compare_measure_name(enum compare_measure m); /* "Start" */
const char *compare_part_name(enum compare_part p);       /* "Shim" */

/* ---- statistics (compare_statistics.c) ---- */

struct compare_figure {
        bool known;
        uint64_t median, min, max;
};

struct compare_figure compare_figure(const struct compare_row *row, enum compare_measure m);

/* The median of the rounds' ratios to `bare`; 0 when there is none. */
double compare_ratio(const struct compare_row *row, const struct compare_row *bare, enum compare_measure m);

/* The median of what one part took. */
uint64_t compare_part_median(const struct compare_row *row, enum compare_part p, bool of_memory);
uint64_t compare_own_cpu(const struct compare_row *row);

/* Appends what a figure is for people: "8.13 ms", "64.3MiB", "--". */
void compare_add_value(struct buf *out, enum compare_measure m, uint64_t value);
/* The least and the most of times, in the unit of their median: "7.90..8.20". */
void compare_add_spread(struct buf *out, const struct compare_figure *f);
/* And its ratio: "x1.02", "x134"; nothing for 0. */
void compare_add_ratio(struct buf *out, double ratio);

/* ---- what is printed: one file each ---- */

void compare_write_table(const struct compare_report *r, struct buf *out);
void compare_write_json(const struct compare_report *r, struct buf *out);
void compare_write_html(const struct compare_report *r, struct buf *out);

/* Whether a machine has run, and what ran its instructions, as a person reads it. */
bool compare_has_machines(const struct compare_report *r);
void compare_add_accelerator(struct buf *out, const struct compare_report *r);
