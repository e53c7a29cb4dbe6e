/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of booted machines and what those boot from, as what `system prune` removes. */
#pragma once

#include "cli/instance_filter.h"
#include "cli/prune_list.h"

/* An empty list of them, by their keys. */
struct prune_list machine_prune_list(struct engine *e);

/* Adds those that nothing will ask for any more, or all: they are made anew when they are needed. They have no labels. */
int machine_prune_find(struct prune_list *l, const struct instance_filter *filter, bool all, struct error *err);

/* The same of what guests boot from; what a machine that runs may want stays in any case. */
struct prune_list machine_boot_prune_list(struct engine *e);
int machine_boot_prune_find(struct prune_list *l, const struct instance_filter *filter, bool all, struct error *err);
