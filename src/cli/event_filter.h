/* SPDX-License-Identifier: Apache-2.0 */
/* --since, --until and --filter of `events`. */
#pragma once

#include <stdint.h>

#include "base/json.h"
#include "cli/filter.h"
#include "cli/invocation.h"

struct event_filter {
        int64_t since, until; /* nanoseconds since 1970 */
        struct filters filters;
};

#define own_event_filter __attribute__((cleanup(event_filter_finish)))
int event_filter_open(struct event_filter *f, const struct args *args, struct error *err);
void event_filter_finish(struct event_filter *f);

/* What an event says; all of it lives as long as its JSON. */
struct event_view {
        const char *type, *action, *id;
        int64_t time;
        struct json_object *attributes;
};

/* -EINVAL: it is none. */
int event_view_read(struct json_object *event, struct event_view *ret, struct error *err);
/* An attribute, NULL when it has none of the name. */
const char *event_view_attribute(const struct event_view *v, const char *name);

/* Of several filters of a key one has to fit, of labels all. */
bool event_filter_matches(const struct event_filter *f, const struct event_view *v);
