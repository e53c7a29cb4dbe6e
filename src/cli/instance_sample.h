/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of several instances, at one moment. */
#pragma once

#include "cli/instance_select.h"
#include "instance/backend.h"

struct instance_sample {
        char id[INSTANCE_ID_LEN + 1];
        char *name;
        const char *asked; /* as it was typed, or NULL; the caller's */
        bool is_machine;
        int64_t time;                /* ns of the monotonic clock */
        struct instance_stats stats; /* zeros when it does not run */
};

struct instance_samples {
        struct instance_sample *items;
        size_t n, cap;
};

void instance_samples_finish(struct instance_samples *s);
#define own_instance_samples __attribute__((cleanup(instance_samples_finish)))

/* NULL: it is not among them. */
const struct instance_sample *instance_samples_find(const struct instance_samples *s, const char *id);

struct instance_sampler {
        struct engine *engine;
        const char *const *names; /* none: all that run */
        size_t n_names;
        bool all;  /* also those that do not run */
        bool seen; /* names that are gone by now are no error */
};

int instance_sample(struct instance_sampler *s, struct instance_samples *ret, struct error *err);
