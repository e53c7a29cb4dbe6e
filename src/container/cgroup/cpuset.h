/* SPDX-License-Identifier: Apache-2.0 */
/* v1's cpuset: a cgroup takes processes only once it has CPUs and memory nodes, and a new one has none. */
#pragma once

#include <stdbool.h>

/*
 * Fills an empty cpuset.cpus and cpuset.mems of the directory `path` from its parent, after the parent's own if they
 * are empty too; never above the hierarchy's root, whose path is the first `root_len` bytes. `cpus` and `mems` tell
 * which of the two; a new directory's are not read before they are written. 0 or -errno.
 */
int cpuset_inherit(const char *path, unsigned long root_len, bool cpus, bool mems, bool fresh);
