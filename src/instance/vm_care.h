/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Care of what machines leave on the disk: templates of guests that have booted (vm/template.h), which holt makes and
 * forgets for itself, and those that people make (vm_template.h). For check, df, prune and the sweep.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "instance/engine.h"

struct vm_care_entry {
        char key[SHA256_HEX];
        uint64_t bytes; /* on the disk */
        int64_t made;   /* seconds since 1970 */
        bool is_needed; /* or is damaged, or of another QEMU, kernel or agent than those of now: nothing will ask for it */
};

/* Of booted guests, the least recently used first. *ret is malloc'ed. */
int vm_care_list(const struct engine *e, struct vm_care_entry **ret, size_t *ret_n, struct error *err);
/* -ENOENT. Clones that run do not need it any more. */
int vm_care_remove(const struct engine *e, const char *key, struct error *err);

struct vm_checker {
        bool repair; /* damaged ones of booted guests go: they are made anew */
        bool whole;  /* what is in the memory is looked at, too */
        void (*found)(void *userdata, const char *what, bool repaired);
        void *userdata;
};

/* Looks at all templates. Returns how many findings are left. */
int vm_care_check(struct engine *e, const struct vm_checker *c, struct error *err);

/* Removes what killed makers of templates and of what guests boot from have left, and processes that were kept before the
 * host's last start. */
void vm_care_sweep(const struct engine *e);
