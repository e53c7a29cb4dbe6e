/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "oci/runtime_spec.h"

/* Refuses what would change the host: only keys of a namespace that the container has of its own (sysctl names in
 * namespaces(7)). */
int sysctl_check(const struct spec *s, struct error *err);

/* The file below /proc/sys. -EINVAL, -ENAMETOOLONG. */
int sysctl_path(const char *key, char *ret, size_t size);

/* CLONE_NEWIPC, CLONE_NEWNET or CLONE_NEWUTS: each namespace of that type has one; 0: the kernel has but one. */
int sysctl_namespace(const char *key);

/* In init, in its namespaces: writes linux.sysctl through a procfs of its own. */
int sysctl_apply(const struct spec *s, struct error *err);
