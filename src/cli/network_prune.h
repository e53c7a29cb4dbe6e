/* SPDX-License-Identifier: Apache-2.0 */
/* Removing networks that no instance is on: first it is known which, then they go. */
#pragma once

#include "cli/invocation.h"
#include "cli/network_select.h"

struct network_prune {
        struct engine *e;
        struct network *doomed;
        size_t n, cap;
        bool (*is_gone)(void *userdata, const char *id); /* an instance that needs no network any more; NULL: none */
        void *userdata;
};

void network_prune_finish(struct network_prune *p);

/*
 * Finds those on which no instance is or would be if it ran, as far as --filter (until, label) lets them go. The
 * default one stays.
 */
int network_prune_find(struct network_prune *p, const struct args *args, struct error *err);

/* Lines for people: "  network  ID  NAME". */
void network_prune_list(const struct network_prune *p, struct buf *out);

/* Removes them and appends what Docker says; what fails is reported, and makes inv->exit_status 1. One that is in use
 * by now stays. */
void network_prune_do(struct network_prune *p, struct invocation *inv, struct buf *out);
