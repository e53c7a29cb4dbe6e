/* SPDX-License-Identifier: Apache-2.0 */
/* Where holt's other programs are. */
#pragma once

#include <limits.h>

#include "base/error.h"

/* The path of this one's own file. */
int sibling_program_own(char ret[PATH_MAX], struct error *err);

/* Beside this program (a build directory, /usr/local/bin), else in ../libexec/holt. -ENOENT says where it was missed.
 */
int sibling_program_find(const char *name, char ret[PATH_MAX], struct error *err);
