/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "fetch/sandbox.h"

/* Leaves the system calls that a transfer makes; others do not exist (ENOSYS), starting a program ends the process. */
int sandbox_seccomp(const struct sandbox *s, struct error *err);
