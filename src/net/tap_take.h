/* SPDX-License-Identifier: Apache-2.0 */
/* An interface that a machine was born with takes the place of one that was made for it. */
#pragma once

#include "base/error.h"

/*
 * `name`, which is in the network namespace of the process, comes to ours: up, a port of the bridge that the interface
 * behind the descriptor `like` is a port of, with its settings. That one stays, for the next start; nobody answers there.
 */
int tap_take(int pidfd, const char *name, int like, struct error *err);
