/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes of run, create, start and exec, as a shell and Docker have them. */
#pragma once

#include "base/error.h"

enum {
        EXIT_FAILED = 125, /* holt itself */
        EXIT_NOT_EXECUTABLE = 126,
        EXIT_NOT_FOUND = 127,
};

/* What a program's start that failed ends with. */
int instance_exit_code(const struct error *err);
