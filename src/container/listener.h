/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

/* Connects to the seccomp agent at `path` and gives it the notification descriptor with the process's state. */
int listener_pass(const char *path, const char *metadata, int listener, pid_t pid, const char *state,
                  struct error *err);
