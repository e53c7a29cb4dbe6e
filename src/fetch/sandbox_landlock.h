/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "fetch/sandbox.h"

/* Leaves of the file system what resolving names and checking certificates read (landlock(7), Linux 5.13). */
int sandbox_landlock(const struct sandbox *s, struct error *err);
