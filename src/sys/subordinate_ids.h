/* SPDX-License-Identifier: Apache-2.0 */
/* subuid(5) and subgid(5): which ids an ordinary user may hand out. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "sys/user_namespace.h"

/* The lines of one name alone, as they stand there; container_id says nothing. */
int subordinate_ids_of_name(const char *path, const char *name, struct arena *a, struct id_mappings *ret,
                            struct error *err);

/*
 * What a user namespace of the user gets by that file ("/etc/subuid", "/etc/subgid"): 0 is own_id, then come the ranges
 * of its lines, one behind the other. Lines name the user by name or number; one that says nothing is passed over, and
 * a file that is not there has none. The ranges are in the arena.
 */
int subordinate_ids_find(const char *path, uid_t uid, uint32_t own_id, struct arena *a, struct id_mappings *ret,
                         struct error *err);
