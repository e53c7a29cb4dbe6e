/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory for what a comparison writes, ROOT/compare/PID.XXXXXX: in the store's file system, as instances are. It
 * is locked (flock) as long as its owner lives; others that find one that nobody has locked remove it.
 */
#pragma once

#include "base/error.h"

struct compare_scratch {
        char *path; /* NULL: none */
        int lock;
};

#define COMPARE_SCRATCH_NONE \
        {                    \
                .lock = -1   \
        }

/* Its name, which nobody else has. */
const char *compare_scratch_name(const struct compare_scratch *s);

typedef void compare_left_behind(void *userdata, const char *name);

/* Makes one, and removes those that were left behind; each of them is told first. */
int compare_scratch_make(const char *root, compare_left_behind *left, void *userdata, struct compare_scratch *ret,
                         struct error *err);
void compare_scratch_remove(struct compare_scratch *s);
#define own_compare_scratch __attribute__((cleanup(compare_scratch_remove)))
