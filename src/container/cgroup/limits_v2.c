/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by cgroup2's controllers, from values that were thought out for v1. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "container/cgroup/convert.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/limits.h"

enum { DEFAULT_PERIOD = 100000 };

/* Only what the kernel does anyway can be asked of what it no longer has. */
static int refuse(struct limits *l, const char *limit)
{
        return error_set(l->err, EOPNOTSUPP, "linux.resources.%s: cgroup v2 has no such limit", limit);
}

/* A burst above the quota in force is refused; then it waits for the new quota. */
static int set_bandwidth(struct limits *l, const struct spec_cpu *c)
{
        bool quota = c->quota.set && c->quota.v, burst = c->burst.set;
        char text[64], burst_text[24];
        int r = 0;

        snprintf(burst_text, sizeof burst_text, "%" PRIu64, c->burst.v);
        if (burst) {
                r = hierarchy_write(l->h, "cpu.max.burst", burst_text);
                if (r < 0 && !(r == -EINVAL && quota))
                        return limits_error(l, "cpu.burst", "cpu.max.burst", burst_text, r);
                burst = r < 0;
        }
        if (quota || (c->period.set && c->period.v)) {
                convert_cpu_max(quota ? c->quota.v : 0, c->period.set && c->period.v ? c->period.v : DEFAULT_PERIOD,
                                text, sizeof text);
                r = limits_write(l, quota ? "cpu.quota" : "cpu.period", "cpu.max", text);
        }
        return r == 0 && burst ? limits_write(l, "cpu.burst", "cpu.max.burst", burst_text) : r;
}

int limits_v2_cpu(struct limits *l)
{
        const struct spec_cpu *c = &l->res->cpu;
        int r = 0;

        if ((c->realtime_runtime.set && c->realtime_runtime.v) || (c->realtime_period.set && c->realtime_period.v))
                return refuse(l, c->realtime_runtime.set ? "cpu.realtimeRuntime" : "cpu.realtimePeriod");
        if (c->idle.set)
                r = limits_write_i64(l, "cpu.idle", "cpu.idle", c->idle.v);
        /* The kernel gives an idle cgroup the least weight and takes no other. */
        if (r == 0 && c->shares.set && c->shares.v && !(c->idle.set && c->idle.v == 1))
                r = limits_write_u64(l, "cpu.shares", "cpu.weight", convert_shares(c->shares.v));
        return r == 0 ? set_bandwidth(l, c) : r;
}

int limits_v2_cpuset(struct limits *l)
{
        return limits_v1_cpuset(l);
}

int limits_v2_pids(struct limits *l)
{
        return limits_v1_pids(l);
}

int limits_v2_hugetlb(struct limits *l)
{
        char file[CGROUP_FILE_MAX];

        for (size_t i = 0; i < l->res->n_hugepages; i++) {
                const struct spec_hugepage_limit *p = &l->res->hugepages[i];
                int r;

                snprintf(file, sizeof file, "hugetlb.%s.max", p->page_size);
                r = limits_write_u64(l, "hugepageLimits", file, p->limit);
                if (r < 0)
                        return r;
                /* Reservations are counted apart since Linux 5.7. */
                snprintf(file, sizeof file, "hugetlb.%s.rsvd.max", p->page_size);
                r = limits_write_u64(l, "hugepageLimits", file, p->limit);
                if (r < 0 && r != -EOPNOTSUPP)
                        return r;
        }
        return 0;
}

/* One file: a write for each line, as files such as io.max want it. */
static int write_lines(struct limits *l, const char *limit, const char *file, const char *lines)
{
        char *copy = strdup(lines), *rest = copy, *line;
        int r = 0;

        if (!copy)
                return error_set(l->err, ENOMEM, "out of memory");
        while (r == 0 && (line = strsep(&rest, "\n"))) {
                if (*line || line == copy)
                        r = limits_write(l, limit, file, line);
        }
        free(copy);
        return r;
}

int limits_v2_unified(struct limits *l)
{
        const struct str_map *u = &l->res->unified;

        for (size_t i = 0; i < u->n; i++) {
                const char *file = u->v[i].key;
                char limit[128];
                int r;

                if (strchr(file, '/') || !strchr(file, '.') || file[0] == '.')
                        return error_set(l->err, EINVAL,
                                         "linux.resources.unified: \"%s\" is not of the form CONTROLLER.PARAMETER",
                                         file);
                snprintf(limit, sizeof limit, "unified[\"%s\"]", file);
                r = write_lines(l, limit, file, u->v[i].value);
                if (r < 0)
                        return r;
        }
        return 0;
}
