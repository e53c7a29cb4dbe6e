/* SPDX-License-Identifier: Apache-2.0 */
/* Processes as `ps -ef` shows them, read from /proc. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct process_clock {
        int64_t now, boot; /* seconds since 1970 */
        unsigned ticks;    /* a second */
};

void process_clock_read(struct process_clock *c);

enum { PROCESS_USER_MAX = 64 };

struct process_row {
        pid_t pid, ppid;
        uid_t uid;
        unsigned percent; /* of a processor, since its start */
        char stime[16], tty[24], time[24];
        struct buf command; /* its own words: anything but NULs */
};

void process_row_finish(struct process_row *r);
#define own_process_row __attribute__((cleanup(process_row_finish)))

/* -ESRCH: it is gone. proc: "/proc". */
int process_row_read(const char *proc, pid_t pid, const struct process_clock *c, struct process_row *ret);
