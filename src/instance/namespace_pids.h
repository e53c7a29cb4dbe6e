/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container that has no cgroup (an ordinary user's): those of its pid namespace. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* Host pids of all in the pid namespace of `init`, which is not ours; *ret is malloc'ed. What is in namespaces below it
 * is left out. */
int namespace_pids(pid_t init, pid_t **ret, size_t *ret_n, struct error *err);
