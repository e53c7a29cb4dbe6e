/* SPDX-License-Identifier: Apache-2.0 */
/* The machines that wait to be somebody's (monitor/pool.h), RUN/vm-pool. How many shall wait is kept in ROOT/vm/pool. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "instance/engine.h"
#include "instance/holt_conf.h"

enum { VM_POOL_MAX = 64 };

/* RUN/vm-pool, malloc'ed. */
int vm_pool_path(const struct engine *e, char **ret);

/* False where HOLT_VM_POOL is "none": a run leaves nothing behind, no machine and no image of one. */
bool vm_pool_is_wanted(void);

/* How many of a kind: HOLT_VM_POOL (a number or "none"), or what was set, or what the configuration says. */
uint32_t vm_pool_size(const struct engine *e, const struct holt_conf *c);
/* What goes beyond that goes at once. */
int vm_pool_set_size(const struct engine *e, uint32_t size, struct error *err);

/* The machine of that name is not to wait any longer. */
void vm_pool_end(const struct engine *e, const char *name);

struct vm_pool_entry {
        char key[13];  /* the beginning of the template's */
        bool is_ready; /* or it is being made */
        int64_t since; /* seconds since 1970 */
        char name[96];
};

/* Those that live. *ret is malloc'ed. */
int vm_pool_list(const struct engine *e, struct vm_pool_entry **ret, size_t *ret_n, struct error *err);
