/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/stats.h"

static void read_file(const struct cgroup_hierarchy *h, const char *kind, const char *name, uint64_t *ret)
{
        char file[CGROUP_FILE_MAX];

        snprintf(file, sizeof file, "memory.%s%s%s", kind ? kind : "", kind ? "." : "", name);
        (void)hierarchy_read_u64(h, file, ret);
}

/* NULL: nobody counts it. */
static struct cgroup_hierarchy *find_hierarchy(struct cgroup *cg)
{
        struct cgroup_hierarchy *v1 = cgroup_v1(cg, "memory");

        return v1 ? v1 : cgroup_v2(cg);
}

void stats_read_memory(struct cgroup *cg, const char *kind, struct memory_counters *ret)
{
        const struct cgroup_hierarchy *h = find_hierarchy(cg);

        if (!h)
                return;
        if (hierarchy_is_v2(h)) {
                read_file(h, kind, "max", &ret->limit);
                read_file(h, kind, "current", &ret->usage);
                read_file(h, kind, "peak", &ret->max);
                return;
        }
        read_file(h, kind, "limit_in_bytes", &ret->limit);
        read_file(h, kind, "usage_in_bytes", &ret->usage);
        read_file(h, kind, "max_usage_in_bytes", &ret->max);
        read_file(h, kind, "failcnt", &ret->failed);
}

void stats_read_memory_key(struct cgroup *cg, const char *key, uint64_t *ret)
{
        const struct cgroup_hierarchy *h = find_hierarchy(cg);
        own_buf struct buf text = {};
        char *rest, *line;

        if (!h || hierarchy_read_all(h, "memory.stat", &text) < 0)
                return;
        rest = text.data;
        while (rest && (line = strsep(&rest, "\n"))) {
                if (strcmp(strsep(&line, " "), key) == 0 && line) {
                        (void)parse_u64(line, 10, ret);
                        return;
                }
        }
}

static void write_entry(struct json_writer *w, const char *key, const struct memory_counters *e)
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
static struct memory_counters combine(const struct memory_counters *memory, const struct memory_counters *swap)
{
        struct memory_counters both = { .limit = swap->limit, .usage = swap->usage + memory->usage };

        if (swap->limit != UINT64_MAX && __builtin_add_overflow(swap->limit, memory->limit, &both.limit))
                both.limit = UINT64_MAX;
        return both;
}

void stats_write_memory(struct cgroup *cg, struct json_writer *w)
{
        const struct cgroup_hierarchy *h = find_hierarchy(cg);
        struct memory_counters memory = {}, swap = {}, kernel = {}, tcp = {};
        bool v2 = h && hierarchy_is_v2(h);
        uint64_t cache = 0;

        stats_read_memory(cg, NULL, &memory);
        stats_read_memory(cg, v2 ? "swap" : "memsw", &swap);
        if (v2) {
                swap = combine(&memory, &swap);
        } else {
                stats_read_memory(cg, "kmem", &kernel);
                stats_read_memory(cg, "kmem.tcp", &tcp);
        }
        stats_read_memory_key(cg, v2 ? "file" : "cache", &cache);
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
