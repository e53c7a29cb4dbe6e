/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by the v1 controllers cpu, cpuset, pids, hugetlb, rdma, net_cls and net_prio. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/limits.h"

/* The kernel's bounds (MIN_SHARES, MAX_SHARES); it would take other values and silently change them. */
enum { MIN_SHARES = 2, MAX_SHARES = 262144, DEFAULT_SHARES = 1024 };

static int set_shares(struct limits *l, const struct opt_u64 *shares)
{
        if (!shares->set || !shares->v || (l->h->fresh && shares->v == DEFAULT_SHARES))
                return 0;
        if (shares->v < MIN_SHARES)
                return error_set(l->err, EINVAL, "linux.resources.cpu.shares: the minimum allowed cpu-shares is %d",
                                 MIN_SHARES);
        if (shares->v > MAX_SHARES)
                return error_set(l->err, EINVAL, "linux.resources.cpu.shares: the maximum allowed cpu-shares is %d",
                                 MAX_SHARES);
        return limits_write_u64(l, "cpu.shares", "cpu.shares", shares->v);
}

struct knob {
        const char *limit, *file;
        char value[24]; /* empty: not asked for, or written */
};

/*
 * Period and burst are checked against the quota that is in force, so either order can be the wrong
 * one: what is refused (EINVAL) waits until the quota is written, if one is to be written.
 */
static int write_or_postpone(struct limits *l, struct knob *k, bool quota_follows)
{
        int r;

        if (!k->value[0])
                return 0;
        r = hierarchy_write(l->h, k->file, k->value);
        if (r == -EINVAL && quota_follows)
                return 0;
        if (r < 0)
                return limits_error(l, k->limit, k->file, k->value, r);
        k->value[0] = '\0';
        return 0;
}

static int set_bandwidth(struct limits *l, const struct spec_cpu *c)
{
        struct knob period = { "cpu.period", "cpu.cfs_period_us", "" }, burst = { "cpu.burst", "cpu.cfs_burst_us", "" };
        bool quota = c->quota.set && c->quota.v;
        int r;

        if (c->period.set && c->period.v)
                snprintf(period.value, sizeof period.value, "%" PRIu64, c->period.v);
        if (c->burst.set)
                snprintf(burst.value, sizeof burst.value, "%" PRIu64, c->burst.v);
        r = write_or_postpone(l, &period, quota);
        if (r == 0)
                r = write_or_postpone(l, &burst, quota);
        if (r == 0 && quota && !(l->h->fresh && c->quota.v < 0))
                r = limits_write_i64(l, "cpu.quota", "cpu.cfs_quota_us", c->quota.v);
        if (r == 0)
                r = write_or_postpone(l, &period, false);
        if (r == 0)
                r = write_or_postpone(l, &burst, false);
        return r;
}

static int set_realtime(struct limits *l, const struct spec_cpu *c)
{
        struct knob period = { "cpu.realtimePeriod", "cpu.rt_period_us", "" };
        bool runtime = c->realtime_runtime.set && c->realtime_runtime.v;
        int r;

        if (c->realtime_period.set && c->realtime_period.v)
                snprintf(period.value, sizeof period.value, "%" PRIu64, c->realtime_period.v);
        r = write_or_postpone(l, &period, runtime);
        if (r == 0 && runtime)
                r = limits_write_i64(l, "cpu.realtimeRuntime", "cpu.rt_runtime_us", c->realtime_runtime.v);
        return r == 0 ? write_or_postpone(l, &period, false) : r;
}

int limits_v1_cpu(struct limits *l)
{
        const struct spec_cpu *c = &l->res->cpu;
        int r = set_shares(l, &c->shares);

        if (r == 0)
                r = set_bandwidth(l, c);
        if (r == 0 && c->idle.set && !(l->h->fresh && c->idle.v == 0))
                r = limits_write_i64(l, "cpu.idle", "cpu.idle", c->idle.v);
        return r == 0 ? set_realtime(l, c) : r;
}

int limits_v1_cpuset(struct limits *l)
{
        const struct spec_cpu *c = &l->res->cpu;
        int r = c->cpus && *c->cpus ? limits_write(l, "cpu.cpus", "cpuset.cpus", c->cpus) : 0;

        return r == 0 && c->mems && *c->mems ? limits_write(l, "cpu.mems", "cpuset.mems", c->mems) : r;
}

int limits_v1_pids(struct limits *l)
{
        int64_t limit = l->res->pids_limit.v;

        if (limit < 0)
                return l->h->fresh ? 0 : limits_write(l, "pids.limit", "pids.max", "max");
        return limits_write_i64(l, "pids.limit", "pids.max", limit);
}

int limits_v1_hugetlb(struct limits *l)
{
        char file[CGROUP_FILE_MAX];

        for (size_t i = 0; i < l->res->n_hugepages; i++) {
                const struct spec_hugepage_limit *p = &l->res->hugepages[i];
                int r;

                snprintf(file, sizeof file, "hugetlb.%s.limit_in_bytes", p->page_size);
                r = limits_write_u64(l, "hugepageLimits", file, p->limit);
                if (r < 0)
                        return r;
                /* Reservations are counted apart since Linux 5.7. */
                snprintf(file, sizeof file, "hugetlb.%s.rsvd.limit_in_bytes", p->page_size);
                r = limits_write_u64(l, "hugepageLimits", file, p->limit);
                if (r < 0 && r != -EOPNOTSUPP)
                        return r;
        }
        return 0;
}

static int set_rdma(struct limits *l)
{
        char line[256];

        for (size_t i = 0; i < l->res->n_rdma; i++) {
                const struct spec_rdma *d = &l->res->rdma[i];
                int n = snprintf(line, sizeof line, "%s", d->device), r;

                if (d->hca_handles.set && n > 0 && (size_t)n < sizeof line)
                        n += snprintf(line + n, sizeof line - (size_t)n, " hca_handle=%" PRIu64, d->hca_handles.v);
                if (d->hca_objects.set && n > 0 && (size_t)n < sizeof line)
                        n += snprintf(line + n, sizeof line - (size_t)n, " hca_object=%" PRIu64, d->hca_objects.v);
                if (n < 0 || (size_t)n >= sizeof line)
                        return error_set(l->err, EINVAL, "linux.resources.rdma: the device's name is too long");
                r = limits_write(l, "rdma", "rdma.max", line);
                if (r < 0)
                        return r;
        }
        return 0;
}

int limits_v1_rdma(struct limits *l)
{
        return set_rdma(l);
}

int limits_v2_rdma(struct limits *l)
{
        return set_rdma(l);
}

int limits_v1_net_cls(struct limits *l)
{
        return limits_write_u64(l, "network.classID", "net_cls.classid", l->res->net_class_id.v);
}

int limits_v1_net_prio(struct limits *l)
{
        char line[64];

        for (size_t i = 0; i < l->res->n_net_priorities; i++) {
                const struct spec_net_priority *p = &l->res->net_priorities[i];
                int r;

                snprintf(line, sizeof line, "%s %" PRIu32, p->name, p->priority);
                r = limits_write(l, "network.priorities", "net_prio.ifpriomap", line);
                if (r < 0)
                        return r;
        }
        return 0;
}
