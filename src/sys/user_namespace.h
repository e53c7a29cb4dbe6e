/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces (user_namespaces(7)): their ids, and what a user without rights has of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct id_mapping {
        uint32_t container_id, host_id, size;
};

struct id_mappings {
        size_t n;
        struct id_mapping *v;
};

/* Whether we are in another than the host's first. */
bool user_namespace_is_nested(void);

/*
 * Writes uid_map, gid_map (and setgroups) of the process; through newuidmap(1) and newgidmap(1) where the caller may
 * not. -ENOENT: they are not installed, and nothing was written.
 */
int user_namespace_map(pid_t pid, const struct id_mappings *uids, const struct id_mappings *gids, struct error *err);

/*
 * Takes this process, which has one thread and no rights, into a user and a mount namespace of its own, in which it is
 * root: its own ids become 0, and its subordinate ones (subuid(5)) are those from 1 on. Where it has none, or newuidmap
 * and newgidmap are not installed, 0 is the only id. Its mounts are those of before; what it mounts is nobody else's.
 * After a failure it may be somebody without any id, and should end.
 */
int user_namespace_enter(struct error *err);

/* Whether there is but one id here. */
bool user_namespace_has_one_id(void);

/* fd_remove_tree_at(), also of what belongs to subordinate ids of ours. */
int user_namespace_remove_tree(int dirfd, const char *name, struct error *err);
