/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/stats.h"

enum { NS_PER_US = 1000, NS_PER_SEC = 1000000000 };

/* In nanoseconds, from a unit of the file's own. */
static void read_time(const struct cgroup_hierarchy *h, const char *file, const char *key, uint64_t unit, uint64_t *ret)
{
        uint64_t v;

        if (hierarchy_read_key(h, file, key, &v) == 0)
                *ret = v * unit;
}

static void read_v1_usage(const struct cgroup_hierarchy *h, struct cpu_counters *c)
{
        uint64_t tick = NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);

        (void)hierarchy_read_u64(h, "cpuacct.usage", &c->total);
        read_time(h, "cpuacct.stat", "user", tick, &c->user);
        read_time(h, "cpuacct.stat", "system", tick, &c->kernel);
}

static void read_v2_usage(const struct cgroup_hierarchy *h, struct cpu_counters *c)
{
        read_time(h, "cpu.stat", "usage_usec", NS_PER_US, &c->total);
        read_time(h, "cpu.stat", "user_usec", NS_PER_US, &c->user);
        read_time(h, "cpu.stat", "system_usec", NS_PER_US, &c->kernel);
}

static void read_throttling(const struct cgroup_hierarchy *h, struct cpu_counters *c)
{
        (void)hierarchy_read_key(h, "cpu.stat", "nr_periods", &c->periods);
        (void)hierarchy_read_key(h, "cpu.stat", "nr_throttled", &c->throttled_periods);
        if (hierarchy_is_v2(h))
                read_time(h, "cpu.stat", "throttled_usec", NS_PER_US, &c->throttled_ns);
        else
                (void)hierarchy_read_key(h, "cpu.stat", "throttled_time", &c->throttled_ns);
}

void stats_read_cpu(struct cgroup *cg, struct cpu_counters *ret)
{
        struct cgroup_hierarchy *cpu = cgroup_v1(cg, "cpu"), *acct = cgroup_v1(cg, "cpuacct"), *v2 = cgroup_v2(cg);

        if (acct)
                read_v1_usage(acct, ret);
        else if (v2)
                read_v2_usage(v2, ret);
        if (cpu || v2)
                read_throttling(cpu ? cpu : v2, ret);
}

/* "12 34 " as an array */
static void write_percpu(struct json_writer *w, const struct cgroup_hierarchy *h)
{
        own_buf struct buf text = {};
        char *rest, *word;
        uint64_t v;

        if (hierarchy_read_all(h, "cpuacct.usage_percpu", &text) < 0 || !text.len)
                return;
        rest = text.data;
        json_begin_array(w, "percpu");
        while ((word = strsep(&rest, " \n"))) {
                if (parse_u64(word, 10, &v) == 0)
                        json_write_u64(w, NULL, v);
        }
        json_end_array(w);
}

/* cpuacct.usage_all: a heading, then "CPU USER SYSTEM"; `column` is 1 or 2. */
static void write_percpu_mode(struct json_writer *w, const char *key, const struct cgroup_hierarchy *h, int column)
{
        own_buf struct buf text = {};
        char *rest, *line;

        if (hierarchy_read_all(h, "cpuacct.usage_all", &text) < 0 || !text.len)
                return;
        rest = text.data;
        strsep(&rest, "\n");
        json_begin_array(w, key);
        while (rest && (line = strsep(&rest, "\n"))) {
                uint64_t v;

                for (int i = 0; i < column && line; i++)
                        strsep(&line, " ");
                if (line && parse_u64(strsep(&line, " "), 10, &v) == 0)
                        json_write_u64(w, NULL, v);
        }
        json_end_array(w);
}

static void write_usage(struct json_writer *w, const struct cgroup_hierarchy *v1, const struct cpu_counters *c)
{
        json_begin_object(w, "usage");
        stats_write_nonzero(w, "total", c->total);
        if (v1) {
                write_percpu(w, v1);
                write_percpu_mode(w, "percpu_kernel", v1, 2);
                write_percpu_mode(w, "percpu_user", v1, 1);
        }
        json_write_u64(w, "kernel", c->kernel);
        json_write_u64(w, "user", c->user);
        json_end_object(w);
}

void stats_write_cpu(struct cgroup *cg, struct json_writer *w)
{
        struct cpu_counters c = {};

        stats_read_cpu(cg, &c);
        json_begin_object(w, "cpu");
        write_usage(w, cgroup_v1(cg, "cpuacct"), &c);
        json_begin_object(w, "throttling");
        stats_write_nonzero(w, "periods", c.periods);
        stats_write_nonzero(w, "throttledPeriods", c.throttled_periods);
        stats_write_nonzero(w, "throttledTime", c.throttled_ns);
        json_end_object(w);
        stats_write_pressure(cg, w, "cpu.pressure");
        json_end_object(w);
}
