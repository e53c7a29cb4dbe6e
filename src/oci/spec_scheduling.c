/* SPDX-License-Identifier: Apache-2.0 */
/* process.scheduler and process.ioPriority */
#include "oci/spec_parse.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/sched.h>

static const struct name_value policies[] = {
        { "SCHED_OTHER", SCHED_NORMAL },
        { "SCHED_FIFO", SCHED_FIFO },
        { "SCHED_RR", SCHED_RR },
        { "SCHED_BATCH", SCHED_BATCH },
        { "SCHED_IDLE", SCHED_IDLE },
        { "SCHED_DEADLINE", SCHED_DEADLINE },
        {},
};

static const struct name_value flags[] = {
        { "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
        { "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
        { "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
        { "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
        { "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
        { "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
        { "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
        {},
};

static const struct name_value io_classes[] = {
        { "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
        { "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
        { "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
        {},
};

static int numbers_read(struct json_object *o, struct spec_scheduler *s, struct error *err)
{
        struct opt_i64 nice = {}, priority = {};

        if (read_opt_i64(o, "nice", &nice, err) < 0 || read_opt_i64(o, "priority", &priority, err) < 0)
                return -err->code;
        if (nice.v < -20 || nice.v > 19)
                return error_set(err, EINVAL, "nice: must be from -20 to 19");
        if (priority.v < 0 || priority.v > 99)
                return error_set(err, EINVAL, "priority: must be from 0 to 99");
        s->nice = (int32_t)nice.v;
        s->priority = (uint32_t)priority.v;
        if (json_get_u64(o, "runtime", &s->runtime, err) < 0 || json_get_u64(o, "deadline", &s->deadline, err) < 0 ||
            json_get_u64(o, "period", &s->period, err) < 0)
                return -err->code;
        return 0;
}

/* A value that the policy has no use for would be dropped by the kernel without a word: see sched_setattr(2). */
static int scheduler_check(const struct spec_scheduler *s, struct error *err)
{
        if (s->priority && s->policy != SCHED_FIFO && s->policy != SCHED_RR)
                return error_set(err, EINVAL, "priority: only for SCHED_FIFO and SCHED_RR");
        if ((s->runtime || s->deadline || s->period) && s->policy != SCHED_DEADLINE)
                return error_set(err, EINVAL, "runtime, deadline and period: only for SCHED_DEADLINE");
        return 0;
}

int scheduler_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_scheduler *s = ret;
        uint64_t policy;
        int r = read_name(o, "policy", policies, &policy, err);

        if (r < 0)
                return r;
        if (!r)
                return error_set(err, EINVAL, "policy: must be given");
        s->policy = (uint32_t)policy;
        if (numbers_read(o, s, err) < 0 || read_name_set(o, "flags", flags, &s->flags, err) < 0)
                return -err->code;
        return scheduler_check(s, err);
}

int io_priority_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct opt_u64 *value = ret, data = {};
        uint64_t class;
        int r = read_name(o, "class", io_classes, &class, err);

        if (r < 0)
                return r;
        if (!r)
                return error_set(err, EINVAL, "class: must be given");
        if (read_opt_u64(o, "priority", 7, &data, err) < 0)
                return -err->code;
        value->set = true;
        value->v = IOPRIO_PRIO_VALUE(class, data.v);
        return 0;
}
