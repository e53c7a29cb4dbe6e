/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what event_add() has written, also while it goes on and files are moved away. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct event_log;

/* past: what is there already counts. run is watched from now on; it must be there. */
int event_log_open(const char *run, bool past, struct event_log **ret, struct error *err);
void event_log_close(struct event_log *l);

static inline void event_log_close_(struct event_log **l)
{
        event_log_close(*l);
}
#define own_event_log __attribute__((cleanup(event_log_close_)))

/* Readable when there is something new. */
int event_log_fd(const struct event_log *l);

/*
 * Gives each() the lines that are new, without their newlines, until it returns non-zero; returns that, or 0. Lines
 * that are longer than any event are passed over.
 */
int event_log_read(struct event_log *l, int (*each)(void *userdata, const char *line, size_t len), void *userdata,
                   struct error *err);
