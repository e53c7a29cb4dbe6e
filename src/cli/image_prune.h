/* SPDX-License-Identifier: Apache-2.0 */
/* Removing images that nobody names. */
#pragma once

#include "cli/image_filter.h"

struct prune_result {
        struct buf removed; /* "untagged: ..." and "deleted: ..." lines, as Docker has them */
        uint64_t bytes;     /* that are free again */
};

/*
 * Removes images without a name, or all that no instance uses, as far as --filter (until, label) lets them go, and then
 * what no image has. Images in use stay.
 */
int image_prune(struct store *s, const struct args *args, bool all, struct prune_result *ret, struct error *err);
