/* SPDX-License-Identifier: Apache-2.0 */
/* Instances and volumes, as what a prune removes. */
#pragma once

#include "cli/instance_select.h"
#include "cli/prune_list.h"

/* Lines for people: two spaces, what is put before, ID and NAME. */
void instance_prune_show(const struct instance_list *doomed, const char *before, struct buf *out);

/* As prune_list_remove(), with ids. */
uint64_t instance_prune_do(const struct instance_list *doomed, struct engine *e, const char *title,
                           struct invocation *inv, struct buf *out);

/* An empty one, of volumes by their names. */
struct prune_list volume_prune_list(struct engine *e);
