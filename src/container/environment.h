/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of a container's process. */
#pragma once

#include "base/error.h"
#include "oci/runtime_spec.h"

struct environment {
        const char **v; /* NULL-terminated; its strings belong to the process object, but for home */
        char *home;
        const char **memory;
};

#define own_environment __attribute__((cleanup(environment_finish)))

/*
 * As setenv(3) would leave it: of several entries with one name the last counts, and an empty HOME is as good as none.
 * Then it is the home directory of the process's user in /etc/passwd of the root we stand in, "/" without one.
 */
int environment_make(const struct spec_process *p, struct environment *ret, struct error *err);
void environment_finish(struct environment *e);
