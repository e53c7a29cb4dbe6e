/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* As sched_setattr(2) takes it. */
struct schedule {
        uint32_t policy; /* SCHED_* */
        int32_t nice;
        uint32_t priority;
        uint64_t flags;                     /* SCHED_FLAG_* */
        uint64_t runtime, deadline, period; /* ns */
};

/* For the calling thread; 0 or -errno. */
int schedule_set(const struct schedule *s);
