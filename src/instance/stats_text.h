/* SPDX-License-Identifier: Apache-2.0 */
/* Counters as the JSON that an agent sends: one member for each field of struct instance_stats that is counted. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "instance/backend.h"

void stats_write(const struct instance_stats *s, struct buf *out);
/* What is not there is UINT64_MAX. */
int stats_read(const char *text, size_t len, struct instance_stats *ret, struct error *err);
