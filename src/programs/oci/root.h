/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that holds the state of all containers. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct root {
        char *path;       /* absolute */
        bool given;       /* by --root */
        bool runtime_dir; /* below $XDG_RUNTIME_DIR */
};

/* `given` is the value of --root, NULL for the default. */
int root_find(const char *given, struct root *ret, struct error *err);
void root_finish(struct root *root);

/*
 * Before a container is created: a root below $XDG_RUNTIME_DIR is made, with the sticky bit that keeps those who
 * clean that directory away from it (XDG Base Directory Specification). Nothing to do for others.
 */
int root_make(const struct root *root, struct error *err);
