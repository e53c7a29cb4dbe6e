/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that does a piece of work, here or in an instance: holt-workload at the other end of its pipes (what it
 * says stands in programs/workload/main.c). What it says is not trusted: lines are short, the rest is dropped.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum { COMPARE_LINE = 128, COMPARE_TAIL = 1024 };

struct compare_child {
        pid_t pid;        /* 0: none, or waited for */
        int in, out, err; /* our ends */
        int signals;      /* a signalfd: what ends everything; the caller's */
        const char *pool; /* HOLT_VM_POOL for it; NULL: as it is */
        uint64_t born;    /* when it was started, ns of the monotonic clock */
        char line[COMPARE_LINE];
        size_t len;
        char tail[COMPARE_TAIL + 1]; /* the last that it said on standard error */
        size_t tail_len;
};

#define COMPARE_CHILD_NONE                     \
        {                                      \
                .in = -1, .out = -1, .err = -1 \
        }

uint64_t compare_now(void);

/* Ends of the pipes for a child that is about to be made: its own come in theirs[], close-on-exec. */
int compare_child_pipes(struct compare_child *c, int theirs[3], struct error *err);

/* In the child: its standard streams, no signal blocked; the end of this process is its own. */
int compare_child_become(const int theirs[3]);

/* Runs a program, in a session of its own: a terminal's signals are for us alone, and sessions share the processors
 * among them (sched(7), autogroups), where ours may be an idle one. */
int compare_child_start(struct compare_child *c, char *const argv[], struct error *err);

typedef void compare_tick(void *userdata);

/*
 * Waits until it says a line that begins with `word`: the rest of the line in ret, and when it came. tick (or NULL) is
 * called every now and then. -ECANCELED: a signal came; -EPIPE: it said all that it had to say.
 */
int compare_child_wait_for(struct compare_child *c, const char *word, compare_tick *tick, void *userdata,
                           char ret[COMPARE_LINE], uint64_t *ret_when, struct error *err);

/* Lets it end, and waits for that: its exit status (128 + signal), and in *ret_cpu what it and all that it has waited
 * for have used (ns). -ECANCELED as above, -errno. */
int compare_child_end(struct compare_child *c, uint64_t *ret_cpu, struct error *err);

/* Kills it, if it is still there. */
void compare_child_kill(struct compare_child *c);
#define own_compare_child __attribute__((cleanup(compare_child_kill)))

/* The last line that it said on standard error; "". */
const char *compare_child_last_words(struct compare_child *c);
