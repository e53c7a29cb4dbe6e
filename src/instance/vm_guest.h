/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest to do errands in (vm_errand.h): that of a machine which runs, or else one that is started on the instance's
 * disk for nothing but that. The host's own kernel never mounts such a disk: what its guest has written there is made
 * to please a stranger.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "instance/instance.h"

struct vm_guest {
        struct engine *e;
        struct instance *i; /* NULL: there is none */
        bool unlock;        /* the instance, which we have locked */
        int pidfd;          /* of the holt-vm that was started for it; -1 */
        pid_t pid;
};

#define VM_GUEST_NONE        \
        {                    \
                .pidfd = -1, \
        }

/* Whether the instance has a disk that something may have been written to. */
bool vm_guest_has_disk(const struct instance *i);

/* -EBUSY: another command is at it, or it is paused. *i has to outlive *ret. */
int vm_guest_open(struct engine *e, struct instance *i, struct vm_guest *ret, struct error *err);

/* Ends one that was started for it, when all that was written is on its disk. */
int vm_guest_finish(struct vm_guest *g, struct error *err);
/* The same for who only read, or has failed. */
void vm_guest_close(struct vm_guest *g);
#define own_vm_guest __attribute__((cleanup(vm_guest_close)))
