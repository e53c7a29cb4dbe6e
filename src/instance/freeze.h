/* SPDX-License-Identifier: Apache-2.0 */
/* An instance stands still while its files are read; and goes on when that is done, however it ends. */
#pragma once

#include "base/error.h"
#include "instance/instance.h"

struct freeze {
        struct engine *e;
        const struct instance *i; /* NULL: nothing is frozen */
        int guard;                /* the guard's end of the pipe that tells it that we are gone; -1 */
        int lock;                 /* nobody else freezes it meanwhile; -1 */
};

/* Nothing happens to one that does not run, is paused already, or has nothing that could freeze it (the cgroup that an
 * ordinary user may lack), of which e->warn is told. *i has to outlive *ret. */
int freeze_begin(struct engine *e, const struct instance *i, struct freeze *ret, struct error *err);
void freeze_end(struct freeze *f);

/* Starts so: what was not begun may be ended. */
#define FREEZE_NONE                     \
        {                               \
                .guard = -1, .lock = -1 \
        }

#define own_freeze __attribute__((cleanup(freeze_end)))
