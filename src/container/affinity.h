/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* process.execCPUAffinity: binds the caller to the cpus of a list such as "0-3,7". NULL: nothing to do. `which` is for
 * errors. */
int affinity_set(const char *cpus, const char *which, struct error *err);
