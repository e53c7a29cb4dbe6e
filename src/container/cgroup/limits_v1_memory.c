/* SPDX-License-Identifier: Apache-2.0 */
/*
 * v1's memory controller. "memory.swap" is memory and swap together, in the spec as in the kernel, and the kernel
 * refuses at any moment a sum below the memory limit.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "container/cgroup/hierarchy.h"
#include "container/cgroup/limits.h"

#define LIMIT_FILE "memory.limit_in_bytes"
#define SWAP_FILE "memory.memsw.limit_in_bytes"

enum { MAX_SWAPPINESS = 100 };

static int write_limit(struct limits *l, int64_t value)
{
        uint64_t usage = 0, peak = 0;
        char text[24];
        int r;

        if (l->h->fresh && value < 0)
                return 0;
        snprintf(text, sizeof text, "%" PRId64, value);
        r = hierarchy_write(l->h, LIMIT_FILE, text);
        if (r != -EBUSY)
                return r < 0 ? limits_error(l, "memory.limit", LIMIT_FILE, text, r) : 0;
        hierarchy_read_u64(l->h, "memory.usage_in_bytes", &usage);
        hierarchy_read_u64(l->h, "memory.max_usage_in_bytes", &peak);
        return error_set(l->err, EBUSY,
                         "linux.resources.memory.limit: unable to set memory limit to %" PRId64
                         " (current usage: %" PRIu64 ", peak usage: %" PRIu64 ")",
                         value, usage, peak);
}

static int write_swap(struct limits *l, int64_t value)
{
        if (l->h->fresh && value < 0)
                return 0;
        return limits_write_i64(l, "memory.swap", SWAP_FILE, value);
}

/* -1 for the memory alone means that swap is to be unlimited too; a kernel that does not count swap has no limit of it.
 */
static int lift_swap(struct limits *l)
{
        int r = l->h->fresh ? 0 : hierarchy_write(l->h, SWAP_FILE, "-1");

        return r < 0 && r != -ENOENT ? limits_error(l, "memory.swap", SWAP_FILE, "-1", r) : 0;
}

/* Growing, the sum has to go first; shrinking, the memory. */
static int set_both(struct limits *l, int64_t limit, int64_t swap)
{
        uint64_t current = UINT64_MAX;
        bool sum_first = swap < 0;
        int r;

        if (!l->h->fresh && !sum_first && hierarchy_read_u64(l->h, LIMIT_FILE, &current) == 0)
                sum_first = current < (uint64_t)swap;
        r = sum_first ? write_swap(l, swap) : write_limit(l, limit);
        if (r < 0)
                return r;
        return sum_first ? write_limit(l, limit) : write_swap(l, swap);
}

static int set_limits(struct limits *l, const struct spec_memory *m)
{
        bool limit = m->limit.set && m->limit.v, swap = m->swap.set && m->swap.v;
        int r;

        if (swap && m->swap.v > 0 && !limit && !l->update)
                return error_set(l->err, EINVAL, "linux.resources.memory.swap: a swap limit needs a memory limit");
        if (limit && swap)
                return set_both(l, m->limit.v, m->swap.v);
        if (limit && m->limit.v < 0) {
                r = lift_swap(l);
                if (r < 0)
                        return r;
        }
        if (limit)
                return write_limit(l, m->limit.v);
        return swap ? write_swap(l, m->swap.v) : 0;
}

static int set_swappiness(struct limits *l, const struct opt_u64 *swappiness)
{
        /* podman writes -1 for "not given" */
        if (!swappiness->set || swappiness->v == UINT64_MAX)
                return 0;
        if (swappiness->v > MAX_SWAPPINESS)
                return error_set(l->err, EINVAL,
                                 "linux.resources.memory.swappiness: invalid value %" PRIu64 " (valid range is 0-100)",
                                 swappiness->v);
        return limits_write_u64(l, "memory.swappiness", "memory.swappiness", swappiness->v);
}

/* With checkBeforeUpdate a limit below what is in use is refused, instead of having the kernel reclaim and kill. */
static int check_usage(struct limits *l, const struct spec_memory *m)
{
        uint64_t usage;

        if (!m->check_before_update.set || !m->check_before_update.v || !m->limit.set || m->limit.v <= 0)
                return 0;
        if (hierarchy_read_u64(l->h, "memory.usage_in_bytes", &usage) < 0 || (uint64_t)m->limit.v > usage)
                return 0;
        return error_set(l->err, EBUSY,
                         "linux.resources.memory.limit: rejecting memory limit %" PRId64 " <= usage %" PRIu64,
                         m->limit.v, usage);
}

int limits_v1_memory(struct limits *l)
{
        const struct spec_memory *m = &l->res->memory;
        int r = check_usage(l, m);

        if (r == 0)
                r = set_limits(l, m);
        if (r == 0 && m->reservation.set && m->reservation.v && !(l->h->fresh && m->reservation.v < 0))
                r = limits_write_i64(l, "memory.reservation", "memory.soft_limit_in_bytes", m->reservation.v);
        if (r == 0 && m->disable_oom_killer.set && m->disable_oom_killer.v)
                r = limits_write(l, "memory.disableOOMKiller", "memory.oom_control", "1");
        return r == 0 ? set_swappiness(l, &m->swappiness) : r;
}
