/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an instance, for who copies them: as its programs see them while it runs, mounted for it while not. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "instance/instance.h"

struct instance_root {
        int fd; /* a directory, for openat2(2) with RESOLVE_IN_ROOT */
        int *pins;
        size_t n_pins;
        struct engine *e;
        struct instance *i; /* locked by us: to be unlocked; NULL */
};

/* Starts with fd -1: one that was not opened may be closed. */
#define INSTANCE_ROOT_NONE \
        {                  \
                .fd = -1   \
        }

/*
 * Of a machine nothing but its image is seen so: its disk is looked at by a guest alone (vm_guest.h).
 *
 * With all that is mounted into it. The root of a running one is that of its first process; nothing of it is run or
 * loaded. One that does not run is mounted by its layers and its volumes, where nobody else sees it; to write, it is
 * locked: -EBUSY while another command is at it. This process may be in a mount namespace of its own afterwards, and an
 * ordinary user's is in a user namespace.
 */
int instance_root_open(struct engine *e, struct instance *i, bool writable, struct instance_root *ret,
                       struct error *err);

/*
 * Only what it stands on and what it has written, read-only, and nothing that is mounted into it: what `export` shows.
 * It should stand still, if it runs (freeze.h).
 */
int instance_root_open_bare(struct engine *e, struct instance *i, struct instance_root *ret, struct error *err);

/* What it stands on alone. */
int instance_root_open_image(struct engine *e, struct instance *i, struct instance_root *ret, struct error *err);

void instance_root_close(struct instance_root *r);
#define own_instance_root __attribute__((cleanup(instance_root_close)))
