/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is mounted into an instance and has no path on the host: images, and parts of volumes and images. Each is a
 * detached mount, in the order in which instance_mounts_load() names them; the configuration calls the n-th of them
 * CONTAINER_GIVEN and n (container.h).
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "instance/instance_mounts.h"

struct instance_trees {
        int *fds, *pins; /* the mounts, and what keeps the layers behind them */
        size_t n, n_pins, cap, cap_pins;
};

void instance_trees_finish(struct instance_trees *t);
#define own_instance_trees __attribute__((cleanup(instance_trees_finish)))

/* Adds the tree of a mount for which instance_mount_is_given() is true. */
int instance_trees_add(struct engine *e, const struct instance *i, const struct instance_mount *m,
                       struct instance_trees *t, struct error *err);

/* Adds a descriptor that is something else, behind all mounts. It is taken also when there is no memory for it. */
int instance_trees_take(struct instance_trees *t, int fd, struct error *err);

/* All of the instance's, for a start. */
int instance_trees_open(struct engine *e, const struct instance *i, struct instance_trees *ret, struct error *err);
