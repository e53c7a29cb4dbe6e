/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/schedule.h"

#include <errno.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

int schedule_set(const struct schedule *s)
{
        struct sched_attr attr = {
                .size = sizeof attr,
                .sched_policy = s->policy,
                .sched_flags = s->flags,
                .sched_nice = s->nice,
                .sched_priority = s->priority,
                .sched_runtime = s->runtime,
                .sched_deadline = s->deadline,
                .sched_period = s->period,
        };

        return syscall(SYS_sched_setattr, 0, &attr, 0) < 0 ? -errno : 0;
}
