/* SPDX-License-Identifier: Apache-2.0 */
/* capabilities(7) by system calls: bit i of a mask is capability i. 0 or -errno. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct capability_sets {
        uint64_t effective, permitted, inheritable;
};

int capability_get(struct capability_sets *ret);
int capability_set(const struct capability_sets *s);

/* What this process makes from now on belongs to others (setfsuid(2)), with no fewer rights than before; 0, 0: to root
 * again. */
int capability_set_file_owner(uid_t uid, gid_t gid);

/* Removes from the bounding set what is not in `keep`. */
int capability_bound(uint64_t keep);

/* Makes the ambient set exactly `set` (which has to be permitted and inheritable). */
int capability_set_ambient(uint64_t set);
