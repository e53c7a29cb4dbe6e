/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many machines of a kind shall wait, and that they come one after the other. Where several runs began within
 * seconds, and found none, the next may be as many: each then leaves one, up to POOL_BURST_MAX, and as one goes when
 * nobody has come for a while, it is as before after that. DIRECTORY/runs-KEY has when the last runs began.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { POOL_BURST_MAX = 4, POOL_BURST_SECONDS = 3 };

/* CLOCK_BOOTTIME, ns. */
int64_t pool_now(void);

/* Notes a run that began then, once. size: how many wait at other times. Nobody else does so meanwhile. */
uint32_t pool_wanted(const char *directory, const char *key, int64_t begun, uint32_t size);

/*
 * Leaves a process that waits until pool_tell_next() says that this one is ready, and makes the next one then; if that
 * never comes, it ends. True: this is that process. *ret_next: for pool_tell_next(); -1.
 */
bool pool_leave_next(int *ret_next);
void pool_tell_next(int *next);
