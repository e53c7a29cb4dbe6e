/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --userns auto: an instance has a user namespace and a range of ids of its own, out of the subordinate ones of the
 * user "holt", or "containers" (subuid(5), subgid(5)). It keeps them as long as it is there, as the link
 * ROOT/instances/ID/range, and no two have the same. Nothing on the disk has these ids: layers, what it writes and
 * volumes are mounted through the namespace's mappings.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "instance/instance.h"

/* Whether it is to have one of its own: 1, *ret_size ids; 0. */
int user_range_read_flag(const char *userns, uint32_t *ret_size, struct error *err);

/* For one that is being made: takes a range, if it is to have one. */
int user_range_take(struct engine *e, struct instance *i, struct error *err);

/* A user namespace with the instance's range; -1 without an error: it has none. */
int user_range_open(const struct instance *i, struct image_users *ret, struct error *err);
