/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* process.execCPUAffinity: binds the caller to the cpus of a list such as "0-3,7". NULL: nothing to do. `which` is for
 * errors. */
/* All CPUs of our cpuset: those that the caller was bound to are not the container's business. */
void affinity_reset(void);

int affinity_set(const char *cpus, const char *which, struct error *err);
