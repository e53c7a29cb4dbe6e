/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a guest that runs, as a file: of that which QEMU has mapped privately (a template's), and the pages that
 * were written since. Which those are the kernel says (Documentation/admin-guide/mm/pagemap.rst): a page of such a
 * mapping that is no page of the file any more. What QEMU itself would save is all of it.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct guest_memory {
        pid_t pid;
        uint64_t start, size; /* in its address space */
        int base;             /* the file; -1: memory that has none */
};

/* pid: QEMU, or the parent of QEMU. size: of the guest's memory. */
int guest_memory_open(pid_t pid, uint64_t size, struct guest_memory *ret, struct error *err);
void guest_memory_close(struct guest_memory *m);

/* to: an empty file. Can be done before the guest stands still. */
int guest_memory_copy_base(const struct guest_memory *m, int to, struct error *err);
/* While it stands still. */
int guest_memory_copy_changed(const struct guest_memory *m, int to, struct error *err);
