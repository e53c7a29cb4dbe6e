/* SPDX-License-Identifier: Apache-2.0 */
/* capabilities(7) by system calls: bit i of a mask is capability i. 0 or -errno. */
#pragma once

#include <stdint.h>

struct capability_sets {
        uint64_t effective, permitted, inheritable;
};

int capability_get(struct capability_sets *ret);
int capability_set(const struct capability_sets *s);

/* Removes from the bounding set what is not in `keep`. */
int capability_bound(uint64_t keep);

/* Makes the ambient set exactly `set` (which has to be permitted and inheritable). */
int capability_set_ambient(uint64_t set);
