/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a container, for the backend table. */
#pragma once

#include "base/error.h"
#include "instance/backend.h"

/* -ESRCH: it does not run. What it has used of networks counts only when it has one of its own. */
int stats_container(const char *run, const char *id, struct instance_stats *ret, struct error *err);

/* Adds up a /proc/PID/net/dev, which is changed: all interfaces but lo. */
void stats_add_network(char *text, uint64_t *in, uint64_t *out);
