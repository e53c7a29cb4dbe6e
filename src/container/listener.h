/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "container/container.h"

/* Connects to the seccomp agent at `path` and gives it the notification descriptor with the process's state. */
int listener_pass(const char *path, const char *metadata, int listener, pid_t pid, const char *state,
                  struct error *err);

/* The same for a container that was loaded: its own agent, its state object with the given status. */
int listener_pass_of(struct container *c, enum container_status status, int listener, pid_t pid, struct error *err);
