/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a template of a machine that runs. What the machine has not written of the template from which it came is
 * in that one's files: those become ours, too (vm/template_pages.h), and only the other pages are stored. Where they
 * cannot be linked, all of it is.
 */
#pragma once

#include "monitor/monitor.h"
#include "process_image/process_image.h"

struct saved_memory {
        int directory, file;    /* that of the template, and its own file */
        struct template origin; /* where the machine came from, while its files are needed */
        int files[1 + TEMPLATE_MAX_BASES];
        size_t n_files; /* with our own; 1: there is no other */
        struct buf extents;
        struct template_manifest *manifest;
};

#define own_saved_memory __attribute__((cleanup(saved_memory_finish)))
void saved_memory_finish(struct saved_memory *s);

/* Before the machine stands still; ret->directory, ret->file and ret->manifest are set. */
int saved_memory_begin(struct saved_memory *s, const struct monitor *m, const struct guest_memory *memory,
                       struct error *err);
/* While it does. */
int saved_memory_copy(struct saved_memory *s, const struct guest_memory *memory, struct error *err);
