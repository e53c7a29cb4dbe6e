/* SPDX-License-Identifier: Apache-2.0 */
/* Exit statuses as a shell and Docker have them: the program's own, 128 + n for a signal, or one of these. */
#pragma once

#include "base/error.h"

enum {
        EXIT_STATUS_FAILED = 125, /* holt itself */
        EXIT_STATUS_NOT_EXECUTABLE = 126,
        EXIT_STATUS_NOT_FOUND = 127,
};

/* Of a program that did not start, from why. */
int exit_status_of(const struct error *err);
