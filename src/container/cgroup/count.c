/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/stats.h"

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=7" is the first line. */
static void read_pressure(struct cgroup *cg, const char *file, uint64_t *ret)
{
        struct cgroup_hierarchy *h = cgroup_v2(cg);
        char text[512], *total;

        if (!h || hierarchy_read(h, file, text, sizeof text) <= 0 || strncmp(text, "some ", 5) != 0)
                return;
        text[strcspn(text, "\n")] = '\0';
        total = strstr(text, " total=");
        if (total)
                (void)parse_u64(total + 7, 10, ret);
}

static void add_io(void *userdata, const struct io_entry *e)
{
        struct cgroup_counters *c = userdata;

        if (strcmp(e->op, "Read") == 0)
                c->block_read += e->value;
        else if (strcmp(e->op, "Write") == 0)
                c->block_write += e->value;
}

static void count_io(struct cgroup *cg, struct cgroup_counters *ret)
{
        struct cgroup_counters sum = {};

        if (!stats_each_io(cg, IO_SERVICE_BYTES, add_io, &sum))
                return;
        ret->block_read = sum.block_read;
        ret->block_write = sum.block_write;
}

static void count_memory(struct cgroup *cg, struct cgroup_counters *ret)
{
        struct memory_counters m = { .limit = UINT64_MAX, .usage = UINT64_MAX };
        uint64_t inactive = 0;

        stats_read_memory(cg, NULL, &m);
        ret->memory = m.usage;
        /* v1 has no limit as the largest number of whole pages. */
        ret->memory_limit = m.limit >= INT64_MAX >> 12 << 12 ? UINT64_MAX : m.limit;
        if (m.usage == UINT64_MAX)
                return;
        stats_read_memory_key(cg, cgroup_v1(cg, "memory") ? "total_inactive_file" : "inactive_file", &inactive);
        if (inactive < m.usage)
                ret->memory -= inactive;
}

void cgroup_count(struct cgroup *cg, struct cgroup_counters *ret)
{
        struct cpu_counters cpu = { UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, 0, UINT64_MAX };

        memset(ret, 0xff, sizeof *ret);
        stats_read_cpu(cg, &cpu);
        ret->cpu_ns = cpu.total;
        ret->cpu_user_ns = cpu.user;
        ret->cpu_system_ns = cpu.kernel;
        ret->throttled_ns = cpu.throttled_ns;
        count_memory(cg, ret);
        count_io(cg, ret);
        stats_read_pids(cg, &ret->pids, &ret->pids_limit);
        read_pressure(cg, "cpu.pressure", &ret->psi_cpu_us);
        read_pressure(cg, "memory.pressure", &ret->psi_memory_us);
        read_pressure(cg, "io.pressure", &ret->psi_io_us);
}
