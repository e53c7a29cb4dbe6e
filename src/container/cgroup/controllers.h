/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup2's controllers: which of them resources need, and handing them down the tree. */
#pragma once

#include "container/cgroup.h"

/* The controllers that the resources need, as CONTROLLER_* bits. */
unsigned controllers_needed(const struct spec_resources *res);

/*
 * Enables controllers in every cgroup2 directory above the container's: on a unified host all that there are (usage
 * is counted only where a controller is on), beside v1 only what the resources need and no v1 hierarchy has.
 * What cannot be enabled is left: the limit that needs it will say so.
 */
void controllers_enable(struct cgroup *cg, struct cgroup_hierarchy *h, const struct spec_resources *res);

/* Enables all that there are for those below this cgroup of a unified host, in which no process may be. */
void controllers_hand_down(const struct cgroup_hierarchy *h);

/* Bits for controllers_needed(). */
enum {
        CONTROLLER_CPUSET = 1 << 0,
        CONTROLLER_CPU = 1 << 1,
        CONTROLLER_IO = 1 << 2,
        CONTROLLER_MEMORY = 1 << 3,
        CONTROLLER_HUGETLB = 1 << 4,
        CONTROLLER_PIDS = 1 << 5,
        CONTROLLER_RDMA = 1 << 6,
        CONTROLLER_MISC = 1 << 7,
};
