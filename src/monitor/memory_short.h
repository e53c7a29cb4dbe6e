/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the host has memory for machines that nobody has asked for. proc: "/proc". */
#pragma once

#include <stdbool.h>

/* Less than a quarter of it is free, or somebody had to wait for some lately, or that cannot be found out. */
bool memory_is_short(const char *proc);

/* For poll(2), POLLPRI: somebody has waited for memory for 150 ms of a second. -1 where the kernel does not tell. */
int memory_watch(const char *proc);
