/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moves, for people and programs: on a terminal a line a blob that is drawn again in its place, elsewhere a line
 * when something is done, or JSON.
 *
 * The clock and the terminal's size come from the caller. Each call appends to `out` what is to be written, in one
 * write, so that nothing flickers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "registry/transfer.h"

enum progress_mode {
        PROGRESS_NONE,
        PROGRESS_PLAIN,
        PROGRESS_TTY,
        PROGRESS_JSON, /* {"id":"sha256:...","state":"transferring","done":1,"total":2} a line */
};

enum { PROGRESS_INTERVAL_MS = 100 }; /* a terminal is drawn at most so often */

struct progress_size {
        unsigned columns, rows;
};

struct progress;

/* text: "auto" (or NULL), "tty", "plain", "json", "none". fd: for auto: a terminal that is not "dumb"? */
int progress_mode_parse(const char *text, int fd, enum progress_mode *ret, struct error *err);

/* verb: what "transferring" is called: "downloading", "pushing". NULL without memory. */
struct progress *progress_new(enum progress_mode mode, const char *verb);
void progress_free(struct progress *p);

static inline void progress_free_(struct progress **p)
{
        progress_free(*p);
}
#define own_progress __attribute__((cleanup(progress_free_)))

/* Takes a report in. 0 or -ENOMEM. */
int progress_update(struct progress *p, const struct transfer_progress *report, uint64_t now_ms,
                    struct progress_size size, struct buf *out);

/* A line of its own, above the bars. */
void progress_line(struct progress *p, const char *text, struct buf *out);

/* Draws the last state of everything, and forgets it: the next report begins below. */
void progress_end(struct progress *p, struct progress_size size, struct buf *out);
