/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines that wait (instance/vm_pool.h), for comparisons: each run of the place vm-warm takes one, and leaves another
 * behind for the next, which has to be ready before anything else is measured.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "instance/vm_pool.h"

struct compare_warm {
        struct engine *engine; /* borrowed; NULL: not begun */
        struct vm_pool_entry *before;
        size_t n;
        char key[13]; /* of ours, as they are named; "": none has come yet */
};

/* Remembers which wait already: they are others'. */
int compare_warm_begin(struct engine *e, struct compare_warm *ret, struct error *err);

/* Until one of ours waits: the process in whose namespace its QEMU is. -ETIMEDOUT: none comes. */
pid_t compare_warm_wait(struct compare_warm *w, struct error *err);

/* As many wait as did before. */
void compare_warm_finish(struct compare_warm *w);
