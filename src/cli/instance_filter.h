/* SPDX-License-Identifier: Apache-2.0 */
/* Which instances a list or a prune means: --filter in Docker's words. */
#pragma once

#include "cli/args.h"
#include "cli/filter.h"
#include "instance/instance.h"

struct instance_filter {
        struct filters filters;
        int64_t before, since, until; /* nanoseconds since 1970; 0: not asked for */
        bool all_statuses;            /* one of them asks for a status */
};

#define own_instance_filter __attribute__((cleanup(instance_filter_finish)))

/* known: the keys that the command takes, NULL-terminated; option: the id of --filter. */
int instance_filter_open(struct instance_filter *f, struct engine *e, const struct args *a, unsigned option,
                         const char *const *known, struct error *err);
void instance_filter_finish(struct instance_filter *f);

/* Whether it fits: of several values of a key one is enough, but all labels have to be there. */
bool instance_filter_matches(const struct instance_filter *f, const struct instance *i);

/* Docker's keys for a list. */
extern const char *const instance_filter_keys[];
