/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened, for `events`: lines of JSON at the end of RUN/events, each written at once (O_APPEND) by whoever did
 * it. Over 1 MB the file becomes RUN/events.1.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

enum {
        EVENT_MAX = 64 << 10, /* bytes of a line; attributes that make it longer are left away */
        EVENT_FILE_MAX = 1 << 20,
};

struct event {
        int64_t time;          /* nanoseconds since 1970; 0: now */
        const char *type;      /* "container", "image", "network", "volume" */
        const char *action;    /* as Docker has them: "create", "start", "die", "health_status: healthy" ... */
        const char *id, *name; /* name may be NULL */
        /* Pairs of what else there is to say ("image", "debian:12", "exitCode", "0"), ends with NULL; or NULL. */
        const char *const *attributes;
};

/* Never fails: what cannot be written is not missed. */
void event_add(const char *run, const struct event *ev);
