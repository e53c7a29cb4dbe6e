/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/stats.h"

enum { NS_PER_US = 1000, NS_PER_SEC = 1000000000 };

struct usage { /* ns */
        uint64_t total, kernel, user;
};

struct throttling {
        uint64_t periods, throttled_periods, throttled_time;
};

static void read_v1_usage(const struct cgroup_hierarchy *h, struct usage *u)
{
        uint64_t tick = NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK), user = 0, system = 0;

        (void)hierarchy_read_u64(h, "cpuacct.usage", &u->total);
        (void)hierarchy_read_key(h, "cpuacct.stat", "user", &user);
        (void)hierarchy_read_key(h, "cpuacct.stat", "system", &system);
        u->user = user * tick;
        u->kernel = system * tick;
}

static void read_v2_usage(const struct cgroup_hierarchy *h, struct usage *u)
{
        (void)hierarchy_read_key(h, "cpu.stat", "usage_usec", &u->total);
        (void)hierarchy_read_key(h, "cpu.stat", "user_usec", &u->user);
        (void)hierarchy_read_key(h, "cpu.stat", "system_usec", &u->kernel);
        u->total *= NS_PER_US;
        u->user *= NS_PER_US;
        u->kernel *= NS_PER_US;
}

static void read_throttling(const struct cgroup_hierarchy *h, struct throttling *t)
{
        (void)hierarchy_read_key(h, "cpu.stat", "nr_periods", &t->periods);
        (void)hierarchy_read_key(h, "cpu.stat", "nr_throttled", &t->throttled_periods);
        if (!hierarchy_is_v2(h)) {
                (void)hierarchy_read_key(h, "cpu.stat", "throttled_time", &t->throttled_time);
        } else {
                (void)hierarchy_read_key(h, "cpu.stat", "throttled_usec", &t->throttled_time);
                t->throttled_time *= NS_PER_US;
        }
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

static void write_usage(struct json_writer *w, struct cgroup_hierarchy *v1, struct cgroup_hierarchy *v2)
{
        struct usage u = {};

        if (v1)
                read_v1_usage(v1, &u);
        else if (v2)
                read_v2_usage(v2, &u);
        json_begin_object(w, "usage");
        stats_write_nonzero(w, "total", u.total);
        if (v1) {
                write_percpu(w, v1);
                write_percpu_mode(w, "percpu_kernel", v1, 2);
                write_percpu_mode(w, "percpu_user", v1, 1);
        }
        json_write_u64(w, "kernel", u.kernel);
        json_write_u64(w, "user", u.user);
        json_end_object(w);
}

void stats_write_cpu(struct cgroup *cg, struct json_writer *w)
{
        struct cgroup_hierarchy *cpu = cgroup_v1(cg, "cpu"), *v2 = cgroup_v2(cg);
        struct throttling t = {};

        if (cpu || v2)
                read_throttling(cpu ? cpu : v2, &t);
        json_begin_object(w, "cpu");
        write_usage(w, cgroup_v1(cg, "cpuacct"), v2);
        json_begin_object(w, "throttling");
        stats_write_nonzero(w, "periods", t.periods);
        stats_write_nonzero(w, "throttledPeriods", t.throttled_periods);
        stats_write_nonzero(w, "throttledTime", t.throttled_time);
        json_end_object(w);
        stats_write_pressure(cg, w, "cpu.pressure");
        json_end_object(w);
}
