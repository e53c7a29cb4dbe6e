/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "oci/runtime_spec.h"

/* Refuses what would change the host: only keys of a namespace that the container has of its own (sysctl names in
 * namespaces(7)). */
int sysctl_check(const struct spec *s, struct error *err);

/* In init, in its namespaces: writes linux.sysctl through a procfs of its own. */
int sysctl_apply(const struct spec *s, struct error *err);
