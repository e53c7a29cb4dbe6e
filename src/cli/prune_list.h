/* SPDX-License-Identifier: Apache-2.0 */
/* What a prune is to remove: first it is known which, then they go. */
#pragma once

#include "base/arena.h"
#include "cli/invocation.h"
#include "instance/engine.h"

struct prune_item {
        const char *name; /* what is said when it is gone */
        void *object;     /* the command's own; NULL */
        uint64_t bytes;   /* that are free again then; remove() may set it */
};

struct prune_list {
        struct engine *e;
        const char *title; /* "Deleted Volumes:", a line before the names of those that are gone; NULL */
        int (*remove)(struct engine *e, struct prune_item *item, struct error *err);
        bool may_be_used; /* one that is in use by now, or gone, stays without a word */
        struct prune_item *items;
        size_t n, cap;
        struct arena arena;
};

void prune_list_finish(struct prune_list *l);
#define own_prune_list __attribute__((cleanup(prune_list_finish)))

/* name is copied. */
int prune_list_add(struct prune_list *l, const char *name, void *object, uint64_t bytes, struct error *err);

/* Lines for people: two spaces, what is put before (NULL), the name, and the size where that is known. */
void prune_list_show(const struct prune_list *l, const char *before, struct buf *out);

/* Removes them, and appends title and names; what fails is reported, and makes inv->exit_status 1. Returns the bytes. */
uint64_t prune_list_remove(struct prune_list *l, struct invocation *inv, struct buf *out);

/* 1: they are to go; 0: they stay, because somebody says so or because of --dry-run, which shows them (lines). Nobody is
 * asked about nothing. */
int prune_agreed(const struct invocation *inv, const struct buf *lines, struct error *err);

/* The end of what a prune says. */
void prune_add_total(struct buf *out, uint64_t bytes);
