/* SPDX-License-Identifier: Apache-2.0 */
/* Removing images that nobody names or needs: first it is known which, then they go. */
#pragma once

#include "cli/image_filter.h"

struct image_prune {
        struct store *store;
        struct image_list doomed;
        bool all;                                           /* also those that have names */
        bool (*is_gone)(void *userdata, const char *owner); /* an owner that needs no image any more; NULL: none */
        void *userdata;
};

void image_prune_finish(struct image_prune *p);

/*
 * Finds them: without a name, or all that no owner needs, as far as --filter (until, label) lets them go. Those that
 * are mounted for people stay.
 */
int image_prune_find(struct image_prune *p, const struct args *args, struct error *err);

/* Lines for people: "  image      ID  NAMES". */
void image_prune_list(const struct image_prune *p, struct buf *out);

struct prune_result {
        struct buf removed; /* "untagged: ..." and "deleted: ..." lines, as Docker has them */
        uint64_t bytes;     /* that are free again */
};

/* Removes them, and what no image has. One that is in use by now stays. */
int image_prune_do(const struct image_prune *p, struct prune_result *ret, struct error *err);
