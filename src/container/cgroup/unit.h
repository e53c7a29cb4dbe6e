/* SPDX-License-Identifier: Apache-2.0 */
/* Names of systemd units: from "slice:prefix:name" to a slice, a scope and their cgroup. */
#pragma once

#include "container/cgroup.h"

/*
 * The cgroup of a slice: "a-b.slice" is at "/a.slice/a-b.slice", "-.slice" at "/" (written as an empty string, so
 * that "/UNIT" can be appended). -EINVAL for a name that is no slice's.
 */
int unit_slice_path(const char *slice, char *ret, size_t size);

/*
 * Fills slice, scope and the paths from linux.cgroupsPath (may be NULL). Rootless, the paths stay NULL: they lie
 * below the cgroup of the user's own systemd, which cgroup_adopt() asks for.
 */
int unit_plan(struct cgroup *cg, const char *cgroups_path, const char *id, struct error *err);

/* Sets every hierarchy's path to `path`. */
int unit_set_path(struct cgroup *cg, const char *path, struct error *err);

/* Whether the unit is a slice (a name that ends in ".slice") instead of a scope. */
bool unit_is_slice(const char *unit);
