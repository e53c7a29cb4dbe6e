/* SPDX-License-Identifier: Apache-2.0 */
/* Which limits are asked for, and where each of them is to be written on this host. */
#include "container/cgroup.h"

#include <errno.h>

#include "base/own.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/limits.h"
#include "container/cgroup/systemd.h"

/* 0 stands for "not given" in almost everything that tools send. */
static bool is_asked(const struct opt_u64 *v)
{
        return v->set && v->v;
}

static bool is_asked_signed(const struct opt_i64 *v)
{
        return v->set && v->v;
}

/* Each returns the name of one limit that is asked for, for messages; NULL when none is. */

static const char *asks_cpu(const struct spec_resources *r)
{
        const struct spec_cpu *c = &r->cpu;

        return is_asked_signed(&c->realtime_runtime) ? "cpu.realtimeRuntime"
               : is_asked(&c->realtime_period)       ? "cpu.realtimePeriod"
               : is_asked(&c->shares)                ? "cpu.shares"
               : is_asked_signed(&c->quota)          ? "cpu.quota"
               : is_asked(&c->period)                ? "cpu.period"
               : c->burst.set                        ? "cpu.burst"
               : c->idle.set                         ? "cpu.idle"
                                                     : NULL;
}

static const char *asks_cpuset(const struct spec_resources *r)
{
        const struct spec_cpu *c = &r->cpu;

        return c->cpus && *c->cpus ? "cpu.cpus" : c->mems && *c->mems ? "cpu.mems" : NULL;
}

/* kernel and kernelTCP are not here: the spec has deprecated them and kernels ignore them. */
static const char *asks_memory(const struct spec_resources *r)
{
        const struct spec_memory *m = &r->memory;

        return is_asked_signed(&m->limit)                             ? "memory.limit"
               : is_asked_signed(&m->swap)                            ? "memory.swap"
               : is_asked_signed(&m->reservation)                     ? "memory.reservation"
               : m->swappiness.set                                    ? "memory.swappiness"
               : m->disable_oom_killer.set && m->disable_oom_killer.v ? "memory.disableOOMKiller"
                                                                      : NULL;
}

static const char *asks_pids(const struct spec_resources *r)
{
        return is_asked_signed(&r->pids_limit) ? "pids.limit" : NULL;
}

static const char *asks_blkio(const struct spec_resources *r)
{
        const struct spec_blkio *b = &r->blkio;

        return is_asked(&b->weight)        ? "blockIO.weight"
               : is_asked(&b->leaf_weight) ? "blockIO.leafWeight"
               : b->n_weight_devices       ? "blockIO.weightDevice"
               : b->read_bps.n             ? "blockIO.throttleReadBpsDevice"
               : b->write_bps.n            ? "blockIO.throttleWriteBpsDevice"
               : b->read_iops.n            ? "blockIO.throttleReadIOPSDevice"
               : b->write_iops.n           ? "blockIO.throttleWriteIOPSDevice"
                                           : NULL;
}

static const char *asks_hugetlb(const struct spec_resources *r)
{
        return r->n_hugepages ? "hugepageLimits" : NULL;
}

static const char *asks_rdma(const struct spec_resources *r)
{
        return r->n_rdma ? "rdma" : NULL;
}

static const char *asks_net_cls(const struct spec_resources *r)
{
        return is_asked(&r->net_class_id) ? "network.classID" : NULL;
}

static const char *asks_net_prio(const struct spec_resources *r)
{
        return r->n_net_priorities ? "network.priorities" : NULL;
}

static const char *asks_devices(const struct spec_resources *r)
{
        return "devices";
}

static const char *asks_unified(const struct spec_resources *r)
{
        return r->unified.n ? "unified" : NULL;
}

static const struct controller {
        const char *v1; /* NULL: there is no such thing on v1 */
        const char *(*asks)(const struct spec_resources *r);
        int (*set_v1)(struct limits *l);
        int (*set_v2)(struct limits *l); /* NULL: there is no such thing on v2 */
} controllers[] = {
        { "devices", asks_devices, limits_v1_devices, limits_v2_devices },
        { "memory", asks_memory, limits_v1_memory, limits_v2_memory },
        { "cpu", asks_cpu, limits_v1_cpu, limits_v2_cpu },
        { "cpuset", asks_cpuset, limits_v1_cpuset, limits_v2_cpuset },
        { "pids", asks_pids, limits_v1_pids, limits_v2_pids },
        { "blkio", asks_blkio, limits_v1_blkio, limits_v2_io },
        { "hugetlb", asks_hugetlb, limits_v1_hugetlb, limits_v2_hugetlb },
        { "rdma", asks_rdma, limits_v1_rdma, limits_v2_rdma },
        { "net_cls", asks_net_cls, limits_v1_net_cls, NULL },
        { "net_prio", asks_net_prio, limits_v1_net_prio, NULL },
        { NULL, asks_unified, NULL, limits_v2_unified }, /* last: it may override what the others wrote */
};

static int apply_one(struct limits *l, const struct controller *c, const char *limit)
{
        l->h = c->v1 ? cgroup_v1(l->cg, c->v1) : NULL;
        if (l->h)
                return c->set_v1(l);
        l->h = cgroup_v2(l->cg);
        if (l->h && c->set_v2)
                return c->set_v2(l);
        if (!c->v1)
                return error_set(l->err, EOPNOTSUPP, "linux.resources.%s: this host has no cgroup v2", limit);
        if (l->cg->unified)
                return error_set(l->err, EOPNOTSUPP, "linux.resources.%s: cgroup v2 has no controller %s", limit,
                                 c->v1);
        return error_set(l->err, EOPNOTSUPP, "linux.resources.%s: this host has no cgroup controller %s", limit, c->v1);
}

int cgroup_apply(struct cgroup *cg, const struct spec_resources *res, bool update, struct error *err)
{
        static const struct spec_resources none = {};
        struct limits l = { .cg = cg, .res = res ? res : &none, .update = update, .err = err };
        /* A new unit got its properties when cgroup_adopt() started it. */
        int r = cg->systemd && update ? systemd_set_properties(cg, l.res, err) : 0;

        for (size_t i = 0; i < ARRAY_SIZE(controllers) && r == 0; i++) {
                bool devices = controllers[i].asks == asks_devices;
                const char *limit = controllers[i].asks(l.res);

                if (!limit || (devices && update && !l.res->n_devices))
                        continue;
                r = apply_one(&l, &controllers[i], limit);
                /* Who cannot make devices anyway may do without a filter for them. */
                if (r < 0 && devices && cg->rootless)
                        r = 0;
        }
        return r;
}
