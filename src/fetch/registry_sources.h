/* SPDX-License-Identifier: Apache-2.0 */
/* The places where a repository may be had, mirrors first: what one does not give is asked of the next. */
#pragma once

#include "base/error.h"
#include "fetch/host.h"
#include "fetch/registry.h"

struct sources;

/* *ret is for sources_close(). */
int sources_open(struct host *h, const char *registry, const char *repository, const char *tag_or_digest,
                 struct sources **ret, struct error *err);
void sources_close(struct sources *s);

static inline void sources_close_(struct sources **s)
{
        sources_close(*s);
}
#define own_sources __attribute__((cleanup(sources_close_)))

/*
 * Calls try() with one place after the other until it succeeds, or fails for a reason that lies here (memory, disk,
 * the user's wish). Others begin with the place that was good the last time. Any thread.
 */
int sources_try(struct sources *s, struct http *http,
                int (*try)(void *userdata, struct registry *r, struct http *http, struct error *err), void *userdata,
                struct error *err);

/* Asks this place no more: what it gives is wrong. Whether there is another one. */
bool sources_drop(struct sources *s, const struct registry *r);
