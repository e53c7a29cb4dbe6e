/* SPDX-License-Identifier: Apache-2.0 */
/* Other people's programs that do one thing and end. */
#pragma once

#include "base/error.h"

/*
 * Runs it with a text (shorter than what a pipe takes, 64 KB) as its standard input; what it says on standard output is
 * nobody's. -ENOENT: it is not installed; -EIO: it failed, *err has what it said.
 */
int program_run(const char *const *argv, const char *input, struct error *err);
