/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/stats.h"

struct entry {
        uint64_t limit, usage, max, failed;
};

static uint64_t read_file(const struct cgroup_hierarchy *h, const char *prefix, const char *name)
{
        char file[CGROUP_FILE_MAX];
        uint64_t v = 0;

        snprintf(file, sizeof file, "%s.%s", prefix, name);
        (void)hierarchy_read_u64(h, file, &v);
        return v;
}

static struct entry read_v1(const struct cgroup_hierarchy *h, const char *prefix)
{
        return (struct entry){ .limit = read_file(h, prefix, "limit_in_bytes"),
                               .usage = read_file(h, prefix, "usage_in_bytes"),
                               .max = read_file(h, prefix, "max_usage_in_bytes"),
                               .failed = read_file(h, prefix, "failcnt") };
}

static struct entry read_v2(const struct cgroup_hierarchy *h, const char *prefix)
{
        return (struct entry){ .limit = read_file(h, prefix, "max"),
                               .usage = read_file(h, prefix, "current"),
                               .max = read_file(h, prefix, "peak") };
}

static void write_entry(struct json_writer *w, const char *key, const struct entry *e)
{
        json_begin_object(w, key);
        json_write_u64(w, "limit", e->limit);
        stats_write_nonzero(w, "usage", e->usage);
        stats_write_nonzero(w, "max", e->max);
        json_write_u64(w, "failcnt", e->failed);
        json_end_object(w);
}

/* memory.stat, line by line, as the "raw" object. */
static void write_raw(struct json_writer *w, const struct cgroup_hierarchy *h)
{
        own_buf struct buf text = {};
        char *rest, *line;

        if (hierarchy_read_all(h, "memory.stat", &text) < 0 || !text.len)
                return;
        rest = text.data;
        json_begin_object(w, "raw");
        while (rest && (line = strsep(&rest, "\n"))) {
                char *key = strsep(&line, " ");
                uint64_t v;

                if (line && parse_u64(line, 10, &v) == 0)
                        json_write_u64(w, key, v);
        }
        json_end_object(w);
}

/* In v1's words "swap" is memory and swap together. */
static struct entry combine(const struct entry *memory, const struct entry *swap)
{
        struct entry both = { .limit = swap->limit, .usage = swap->usage + memory->usage };

        if (swap->limit != UINT64_MAX && __builtin_add_overflow(swap->limit, memory->limit, &both.limit))
                both.limit = UINT64_MAX;
        return both;
}

void stats_write_memory(struct cgroup *cg, struct json_writer *w)
{
        struct cgroup_hierarchy *v1 = cgroup_v1(cg, "memory"), *h = v1 ? v1 : cgroup_v2(cg);
        struct entry memory = {}, swap = {}, kernel = {}, tcp = {};
        uint64_t cache = 0;

        if (v1) {
                memory = read_v1(v1, "memory");
                swap = read_v1(v1, "memory.memsw");
                kernel = read_v1(v1, "memory.kmem");
                tcp = read_v1(v1, "memory.kmem.tcp");
        } else if (h) {
                memory = read_v2(h, "memory");
                swap = read_v2(h, "memory.swap");
                swap = combine(&memory, &swap);
        }
        if (h)
                (void)hierarchy_read_key(h, "memory.stat", v1 ? "cache" : "file", &cache);
        json_begin_object(w, "memory");
        stats_write_nonzero(w, "cache", cache);
        write_entry(w, "usage", &memory);
        write_entry(w, "swap", &swap);
        write_entry(w, "kernel", &kernel);
        write_entry(w, "kernelTCP", &tcp);
        if (h)
                write_raw(w, h);
        stats_write_pressure(cg, w, "memory.pressure");
        json_end_object(w);
}
