/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a guest that runs: what QEMU has mapped privately, of one file (a template's) or of several (a process that
 * began as another, process_image/process_image.h), and the pages written since. Which those are the kernel says (Documentation/
 * admin-guide/mm/pagemap.rst): a page of such a mapping that is no page of its file any more. What QEMU itself would save is
 * all of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* One mapping of it. */
struct guest_segment {
        uint64_t start, length, offset; /* start: in the guest's memory; offset: into the file */
        int file;                       /* -1: it has none */
        bool owns_file;
        uint64_t device, inode; /* the file's */
};

struct guest_memory {
        pid_t pid;
        uint64_t start, size; /* in its address space */
        struct guest_segment *segments;
        size_t n_segments;
};

/* pid: QEMU, or the parent of QEMU. start: where it is; 0: it is the only mapping of this size. */
int guest_memory_open(pid_t pid, uint64_t start, uint64_t size, struct guest_memory *ret, struct error *err);
#define own_guest_memory __attribute__((cleanup(guest_memory_close)))
void guest_memory_close(struct guest_memory *m);

/* to: an empty file. Can be done before the guest stands still. */
int guest_memory_copy_base(const struct guest_memory *m, int to, struct error *err);
/* While it stands still. */
int guest_memory_copy_changed(const struct guest_memory *m, int to, struct error *err);

/* While it stands still: each run of pages of a segment, from `at` of it on, that were written or not; in their order. */
int guest_memory_each(const struct guest_memory *m,
                      int (*each)(void *userdata, const struct guest_segment *s, uint64_t at, size_t pages,
                                  bool changed),
                      void *userdata, struct error *err);
/* All of the process's memory, to be read or written at its addresses: a descriptor. */
int guest_memory_open_all(const struct guest_memory *m, int flags, struct error *err);

/* While it stands still: adds a struct guest_segment to *ret for each longer run of pages that are as its file has them;
 * what has none is left out. */
int guest_memory_list_unchanged(const struct guest_memory *m, struct buf *ret, struct error *err);
