/* SPDX-License-Identifier: Apache-2.0 */
/* What the processes of one run use, looked at from outside. */
#pragma once

#include <sys/types.h>

#include "cli/compare.h"

/* Whose parts a process and its children are: COMPARE_PARTS is nobody's. The last one is that of all below. */
struct compare_family {
        pid_t first;
        enum compare_part parts[3];
};

struct compare_look {
        uint64_t cpu[COMPARE_PARTS]; /* ns since they were started */
        uint64_t memory[COMPARE_PARTS];
        bool hidden; /* there was one whose memory we may not look at */
};

/* At all that there is of the family now. 0 or -errno. Machines that it leaves for others are none of it. */
int compare_look(const struct compare_family *f, struct compare_look *ret);

/* The parent of a process; -errno. */
pid_t compare_parent_of(pid_t pid);

/* The first child that is found; 0: there is none. */
pid_t compare_child_of(pid_t pid);
