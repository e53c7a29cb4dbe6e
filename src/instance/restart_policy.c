/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/restart_policy.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"

static const int64_t second = 1000000000;

int restart_policy_parse(const char *text, struct restart_policy *ret, struct error *err)
{
        static const char *const names[] = { "no", "on-failure", "always", "unless-stopped" };
        size_t n = text ? strcspn(text, ":") : 0;
        struct restart_policy p = {};

        if (!text || !*text) {
                *ret = p;
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (strlen(names[i]) != n || strncmp(names[i], text, n) != 0)
                        continue;
                p.kind = (enum restart_kind)i;
                if (text[n] && p.kind != RESTART_ON_FAILURE)
                        return error_set(err, EINVAL, "restart policy \"%s\": only on-failure takes a number", text);
                if (text[n] && parse_u32(text + n + 1, 10, &p.max) < 0)
                        return error_set(err, EINVAL, "restart policy \"%s\": on-failure takes a number", text);
                *ret = p;
                return 0;
        }
        return error_set(err, EINVAL, "restart policy \"%s\": there are no, on-failure[:N], always and unless-stopped",
                         text);
}

bool restart_policy_wants(const struct restart_policy *p, int exit_code, unsigned restarts)
{
        if (p->kind == RESTART_ON_FAILURE)
                return exit_code != 0 && (!p->max || restarts < p->max);
        return p->kind != RESTART_NO;
}

int64_t restart_delay(int64_t last, int64_t ran)
{
        const int64_t first = second / 10, longest = 60 * second;

        if (!last || ran >= 10 * second)
                return first;
        return last * 2 < longest ? last * 2 : longest;
}
