/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup that a machine's QEMU stands in, one for each QEMU. RUN/instances/ID/cgroup says where it is from before
 * it is made until it is removed: whoever cleans up after a kill -9 needs nothing else. What was killed in it for want
 * of memory is known for as long as it is there.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "container/cgroup.h"

/*
 * Makes it, without limits, and notes it in `place` (RUN/instances/ID). name: a cgroupsPath of the runtime-spec. After
 * a failure vm_cgroup_remove() is still needed. The process that is cloned into cgroup_clone_fd() calls cgroup_join().
 */
int vm_cgroup_make(int place, const char *name, struct cgroup *ret, struct error *err);

/* Notes one that is there already: that of a machine which had no instance until now. */
int vm_cgroup_note(int place, const struct cgroup *cg, struct error *err);

/* Of an instance that runs: opened. -ESRCH: there is none. */
int vm_cgroup_open(const char *run, const char *id, struct cgroup *ret, struct error *err);

/* It is noted elsewhere now. */
void vm_cgroup_forget(const char *run, const char *id);

/* Ends all that is in it. 0 also when there is none (any more). */
int vm_cgroup_remove(const char *run, const char *id, struct error *err);
