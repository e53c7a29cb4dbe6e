/* SPDX-License-Identifier: Apache-2.0 */
/* A start takes memory, and runs code, that is not needed until the end. */
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/shim.h"

/* By the linker: where the program begins, and where its code ends. */
extern const char __executable_start[], etext[];

void shim_shrink(struct shim *s)
{
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)__executable_start & ~(page - 1);

        s->shrink_at = 0;
        malloc_trim(0);
        /* Nothing is lost: what is still needed comes back from the page cache. */
        madvise((void *)start, ((uintptr_t)etext & ~(page - 1)) - start, MADV_DONTNEED);
}
