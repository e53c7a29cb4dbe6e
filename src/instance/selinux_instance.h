/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance has of SELinux, where the host has it; elsewhere nothing is done. */
#pragma once

#include "base/error.h"
#include "instance/instance.h"
#include "instance/selinux.h"

/*
 * Its labels; all are "" where there are none. Its level is one that no other instance has, which it keeps as the link
 * ROOT/instances/ID/level from its first start on, or that of the instance whose pids or IPC it joins.
 */
int selinux_instance_open(struct engine *e, struct instance *i, struct selinux_labels *ret, struct error *err);

/* Its files, and what of its mounts is to have its label: volumes, and what says z or Z. shm: its shared memory on the
 * host, or NULL. */
int selinux_instance_label(struct engine *e, const struct instance *i, const struct selinux_labels *labels,
                           const char *shm, struct error *err);
