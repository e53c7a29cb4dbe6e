/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup2's memory controller, which counts swap by itself: the spec's sum of both has to be taken apart. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "container/cgroup/convert.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/limits.h"

static int write_max(struct limits *l, const char *limit, const char *file, int64_t value)
{
        return value < 0 ? limits_write(l, limit, file, "max") : limits_write_i64(l, limit, file, value);
}

/* The memory limit that goes with a sum: the one given, or on an update the one in force. */
static int64_t memory_limit(struct limits *l, const struct spec_memory *m)
{
        uint64_t current;

        if (m->limit.set && m->limit.v)
                return m->limit.v;
        if (l->update && hierarchy_read_u64(l->h, "memory.max", &current) == 0)
                return current > INT64_MAX ? -1 : (int64_t)current;
        return 0;
}

static int set_swap(struct limits *l, const struct spec_memory *m)
{
        int64_t limit = memory_limit(l, m), swap;
        char text[24];
        int r;

        if (!(m->swap.set && m->swap.v) && !(m->limit.set && m->limit.v < 0))
                return 0;
        r = convert_swap(m->swap.set ? m->swap.v : 0, limit, &swap);
        if (r == -ERANGE)
                return error_set(l->err, EINVAL,
                                 "linux.resources.memory.swap: memory and swap together (%" PRId64
                                 ") cannot be less than memory (%" PRId64 ")",
                                 m->swap.v, limit);
        if (r < 0)
                return error_set(l->err, EINVAL, "linux.resources.memory.swap: a swap limit needs a memory limit");
        snprintf(text, sizeof text, "%" PRId64, swap);
        r = hierarchy_write(l->h, "memory.swap.max", swap < 0 ? "max" : text);
        /* A kernel that does not count swap has no file: none to limit, none to forbid. */
        if (r == -ENOENT && swap <= 0 && hierarchy_open(l->h) == 0)
                return 0;
        return r < 0 ? limits_error(l, "memory.swap", "memory.swap.max", swap < 0 ? "max" : text, r) : 0;
}

/* With checkBeforeUpdate a limit below what is in use is refused, instead of having the kernel reclaim and kill. */
static int check_usage(struct limits *l, const struct spec_memory *m)
{
        uint64_t usage;

        if (!m->check_before_update.set || !m->check_before_update.v ||
            hierarchy_read_u64(l->h, "memory.current", &usage) < 0)
                return 0;
        if (m->swap.set && m->swap.v > 0 && (uint64_t)m->swap.v <= usage)
                return error_set(l->err, EBUSY,
                                 "linux.resources.memory.swap: rejecting memory+swap limit %" PRId64
                                 " <= usage %" PRIu64,
                                 m->swap.v, usage);
        if (m->limit.set && m->limit.v > 0 && (uint64_t)m->limit.v <= usage)
                return error_set(l->err, EBUSY,
                                 "linux.resources.memory.limit: rejecting memory limit %" PRId64 " <= usage %" PRIu64,
                                 m->limit.v, usage);
        return 0;
}

/* disableOOMKiller and swappiness have no counterpart; runc and crun let them pass, and every tool sends them. */
int limits_v2_memory(struct limits *l)
{
        const struct spec_memory *m = &l->res->memory;
        int r = check_usage(l, m);

        if (r == 0)
                r = set_swap(l, m);
        if (r == 0 && m->limit.set && m->limit.v)
                r = write_max(l, "memory.limit", "memory.max", m->limit.v);
        if (r == 0 && m->reservation.set && m->reservation.v)
                r = write_max(l, "memory.reservation", "memory.low", m->reservation.v);
        return r;
}
