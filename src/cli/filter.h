/* SPDX-License-Identifier: Apache-2.0 */
/* --filter KEY=VALUE, as often as wanted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct filter {
        const char *key, *value;
        bool negated; /* "label!=..." */
};

struct filters {
        struct filter *items;
        size_t n;
        char *text;
};

#define own_filters __attribute__((cleanup(filters_finish)))

/* list, known: NULL-terminated; list may be NULL. -EMISUSED unless each key is one of known. */
int filters_read(const char *const *list, const char *const *known, struct filters *ret, struct error *err);
void filters_finish(struct filters *f);

/* "true", "1", "false" ... of the filter. */
int filter_bool(const struct filter *f, bool *ret, struct error *err);

/* Whether "KEY" or "KEY=VALUE" is what the label is. */
bool filter_matches_label(const struct filter *f, const char *key, const char *value);
