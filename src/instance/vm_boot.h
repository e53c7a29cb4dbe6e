/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guests boot from, in ROOT/vm/boot: an initramfs for each pair of a kernel and a holt-agent (vm/initramfs.h), and
 * all modules of a kernel (vm_modules.h). Each is made when it is missing. For df and prune.
 *
 * A shim starts its machine again from what it was told when it was started itself: as long as one runs that is older than
 * the present files, none of the former ones goes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/engine.h"

struct vm_boot_file {
        char name[80];
        uint64_t bytes;  /* on the disk */
        int64_t made;    /* seconds since 1970 */
        bool is_current; /* of the kernel and the agent of now */
        bool is_used;    /* a machine that runs may want it */
};

/* *ret is malloc'ed. */
int vm_boot_list(struct engine *e, struct vm_boot_file **ret, size_t *ret_n, struct error *err);
/* -EBUSY: it is used by now. -ENOENT. */
int vm_boot_remove(struct engine *e, const char *name, struct error *err);

/* Removes what killed makers have left. */
void vm_boot_sweep(const struct engine *e);
