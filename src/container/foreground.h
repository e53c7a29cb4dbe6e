/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime does while a container runs in the foreground. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "container/container.h"

/*
 * Before the clone: blocks all signals, so that none gets lost between it and foreground_wait(), and adopts what the
 * process will leave behind. Does nothing with o->detach.
 */
int foreground_prepare(const struct container_options *o, struct error *err);

/*
 * Waits for the process `pid`; passes signals on to it, and reaps what it leaves behind when the runtime is a
 * subreaper. With a terminal (master >= 0) it is connected to our stdin and stdout, which is in raw mode meanwhile.
 * *ret_exit: the shell's exit status.
 */
int foreground_wait(pid_t pid, int pidfd, int master, int *ret_exit, struct error *err);
