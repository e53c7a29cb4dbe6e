/* SPDX-License-Identifier: Apache-2.0 */
/* Times as Go writes them. */
#pragma once

#include <stdint.h>

/* "5s", "100ms", "1m30s", "1.5h": numbers with a unit of ns, us, ms, s, m or h, added up. 0 or -EINVAL. */
int duration_parse(const char *text, uint64_t *ret_ns);
