/* SPDX-License-Identifier: Apache-2.0 */
/* What of the host is mounted into a virtual machine: detached mounts, which holt-share serves (share/share.h). */
#pragma once

#include "base/error.h"
#include "instance/instance_trees.h"
#include "instance/volume.h"

/* Where the agent mounts them: "0", "1", ... are the trees' descriptors in their order. */
#define VM_SHARES "/run/holt/shares"

/*
 * Each bind of v is opened, added to the trees if it is not one of them, and becomes one of what the agent mounts.
 * What is read-only cannot be written to by whoever has the descriptor. -ENOTSUP: propagation and mapped owners.
 */
int vm_shares_open(struct volumes *v, struct instance_trees *trees, struct error *err);
