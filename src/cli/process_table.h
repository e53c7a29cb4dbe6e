/* SPDX-License-Identifier: Apache-2.0 */
/* The output of ps(1). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * Appends the title line of `listing` and those lines whose PID column holds one of the pids.
 * -EINVAL when there is no such column or a line has no number in it.
 */
int process_table_filter(const char *listing, const pid_t *pids, size_t n_pids, struct buf *out);
