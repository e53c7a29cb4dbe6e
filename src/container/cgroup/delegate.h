/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "container/cgroup.h"

/*
 * Gives the container's cgroup to the user of its process, under the conditions of the runtime-spec ("Cgroup
 * ownership"): cgroup v2, a cgroup namespace of its own, and a writable cgroup filesystem at /sys/fs/cgroup.
 */
int cgroup_delegate(struct cgroup *cg, const struct spec *spec, struct error *err);
