/* SPDX-License-Identifier: Apache-2.0 */
/* A list of system calls as a filter: written by hand, so that a small program does not carry libseccomp. */
#pragma once

#include <stddef.h>

#include "base/error.h"

enum { CALL_FILTER_MAX = 250 };

/*
 * From here on this process, and what it starts, has no other calls than these: EPERM; of another architecture's it
 * dies. It has to have PR_SET_NO_NEW_PRIVS.
 */
int call_filter_set(const int *allowed, size_t n, struct error *err);
