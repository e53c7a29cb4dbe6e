/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "container/container.h"

/* Tells who asked: --pid-file (written beside and renamed) and --pidfd-socket. */
int pid_file_announce(const struct container_options *o, pid_t pid, int pidfd, struct error *err);
