/* SPDX-License-Identifier: Apache-2.0 */
/* --restart: no, on-failure[:N], always, unless-stopped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum restart_kind { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };

struct restart_policy {
        enum restart_kind kind;
        uint32_t max; /* of on-failure; 0: any number */
};

/* text NULL or "": no. -EINVAL. */
int restart_policy_parse(const char *text, struct restart_policy *ret, struct error *err);

/* After a program that ended with exit_code and was not asked to; restarts: how often it was started again so far. */
bool restart_policy_wants(const struct restart_policy *p, int exit_code, unsigned restarts);

/* The time to wait before the next start, as Docker has it: 100 ms, then twice as long each time up to a minute; from
 * the beginning when it ran for 10 s. Nanoseconds; last: 0 before the first. */
int64_t restart_delay(int64_t last, int64_t ran);
