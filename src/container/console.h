/* SPDX-License-Identifier: Apache-2.0 */
/* process.terminal: who gets the master end. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "oci/runtime_spec.h"

/* Runtime: connects to --console-socket. */
int console_connect(const char *path, struct error *err);

/*
 * In the container's process: opens the pair below `root`, sets the size, sends the master to console_socket when that
 * is >= 0, else to `peer` as MESSAGE_CONSOLE, and returns the slave.
 */
int console_create(int root, const struct spec_process *p, bool plain, int console_socket, int peer, struct error *err);

/* Makes the slave stdin, stdout, stderr and the controlling terminal; gives stdio to the process's user. */
int console_adopt(int slave, struct error *err);
/* Without a terminal the descriptors that were inherited go to the user, so that he can reopen /dev/stdout. */
void console_own_stdio(const struct spec_process *p, const int *given);

/* In the container's process: takes what container_options.stdio says in the place of what was inherited. NULL: nothing
 * to do. */
int console_take_stdio(const int *given, struct error *err);
