/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/hierarchy.h"

void stats_write_nonzero(struct json_writer *w, const char *key, uint64_t value)
{
        if (value)
                json_write_u64(w, key, value);
}

/* "avg10=0.00 avg60=0.00 avg300=0.00 total=0": the averages are numbers of JSON as they stand. */
static void write_pressure_line(struct json_writer *w, char *line)
{
        char *rest = line, *item, *name = strsep(&rest, " ");

        json_begin_object(w, name);
        while (rest && (item = strsep(&rest, " "))) {
                char *value = strchr(item, '=');

                if (!value || strspn(value + 1, "0123456789.") != strlen(value + 1) || !value[1])
                        continue;
                *value = '\0';
                json_write_raw(w, item, value + 1);
        }
        json_end_object(w);
}

void stats_write_pressure(struct cgroup *cg, struct json_writer *w, const char *file)
{
        struct cgroup_hierarchy *h = cgroup_v2(cg);
        char text[512], *rest = text, *line;

        /* EOPNOTSUPP: switched off at boot */
        if (!h || hierarchy_read(h, file, text, sizeof text) <= 0)
                return;
        json_begin_object(w, "psi");
        while ((line = strsep(&rest, "\n")))
                write_pressure_line(w, line);
        json_end_object(w);
}

/* v2 without the controller: count the lines of cgroup.procs. */
static uint64_t count_procs(struct cgroup *cg)
{
        own_mem pid_t *pids = NULL;
        size_t n = 0;

        return cgroup_pids(cg, &pids, &n, NULL) == 0 ? n : 0;
}

void stats_read_pids(struct cgroup *cg, uint64_t *ret_current, uint64_t *ret_limit)
{
        struct cgroup_hierarchy *h = cgroup_v1(cg, "pids");

        if (!h)
                h = cgroup_v2(cg);
        if (!h || hierarchy_read_u64(h, "pids.current", ret_current) < 0)
                *ret_current = count_procs(cg);
        if (!h || hierarchy_read_u64(h, "pids.max", ret_limit) < 0)
                *ret_limit = UINT64_MAX;
}

void stats_write_pids(struct cgroup *cg, struct json_writer *w)
{
        uint64_t current, limit;

        stats_read_pids(cg, &current, &limit);
        if (limit == UINT64_MAX)
                limit = 0;
        json_begin_object(w, "pids");
        stats_write_nonzero(w, "current", current);
        stats_write_nonzero(w, "limit", limit);
        json_end_object(w);
}

/* "0-2,5" as an array of numbers */
static void write_list(struct json_writer *w, const char *key, char *list)
{
        char *range;

        json_begin_array(w, key);
        while (list && (range = strsep(&list, ","))) {
                char *last = range, *first = strsep(&last, "-");
                uint32_t from, to;

                if (parse_u32(first, 10, &from) < 0)
                        continue;
                to = from;
                if (last)
                        (void)parse_u32(last, 10, &to);
                for (; from <= to && to < UINT16_MAX; from++)
                        json_write_u64(w, NULL, from);
        }
        json_end_array(w);
}

void stats_write_cpuset(struct cgroup *cg, struct json_writer *w)
{
        static const char *const flags[] = { "cpu_exclusive",   "mem_hardwall",       "mem_exclusive",
                                             "memory_migrate",  "memory_spread_page", "memory_spread_slab",
                                             "memory_pressure", "sched_load_balance" };
        struct cgroup_hierarchy *h = cgroup_v1(cg, "cpuset");
        char text[4096], file[CGROUP_FILE_MAX];
        int64_t level = 0;

        json_begin_object(w, "cpuset");
        if (h && hierarchy_read(h, "cpuset.cpus", text, sizeof text) > 0)
                write_list(w, "cpus", text);
        if (h && hierarchy_read(h, "cpuset.mems", text, sizeof text) > 0)
                write_list(w, "mems", text);
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
                uint64_t v = 0;

                snprintf(file, sizeof file, "cpuset.%s", flags[i]);
                if (h)
                        (void)hierarchy_read_u64(h, file, &v);
                json_write_u64(w, flags[i], v);
        }
        if (h && hierarchy_read(h, "cpuset.sched_relax_domain_level", text, sizeof text) > 0)
                (void)parse_i64(text, &level);
        json_write_i64(w, "sched_relax_domain_level", level);
        json_end_object(w);
}

/* One page size: v1 and v2 name the files differently, and both have reservations apart since Linux 5.7. */
static void write_page_size(struct json_writer *w, const struct cgroup_hierarchy *h, const char *size)
{
        bool v2 = hierarchy_is_v2(h);
        uint64_t usage, max = 0, failed = 0;
        char file[CGROUP_FILE_MAX];
        const char *kind = ".rsvd";

        snprintf(file, sizeof file, "hugetlb.%s%s%s", size, kind, v2 ? ".current" : ".usage_in_bytes");
        if (hierarchy_read_u64(h, file, &usage) < 0) {
                kind = "";
                snprintf(file, sizeof file, "hugetlb.%s%s", size, v2 ? ".current" : ".usage_in_bytes");
                if (hierarchy_read_u64(h, file, &usage) < 0)
                        return;
        }
        if (v2) {
                snprintf(file, sizeof file, "hugetlb.%s.events", size);
                (void)hierarchy_read_key(h, file, "max", &failed);
        } else {
                snprintf(file, sizeof file, "hugetlb.%s%s.max_usage_in_bytes", size, kind);
                (void)hierarchy_read_u64(h, file, &max);
                snprintf(file, sizeof file, "hugetlb.%s%s.failcnt", size, kind);
                (void)hierarchy_read_u64(h, file, &failed);
        }
        json_begin_object(w, size);
        stats_write_nonzero(w, "usage", usage);
        stats_write_nonzero(w, "max", max);
        json_write_u64(w, "failcnt", failed);
        json_end_object(w);
}

/* "hugepages-2048kB" as the cgroup files have it: "2MB" */
static bool page_size_name(const char *entry, char *ret, size_t size)
{
        uint64_t kib;
        char number[24];
        int n = (int)strlen(entry) - 12;

        if (strncmp(entry, "hugepages-", 10) != 0 || n <= 0 || (size_t)n >= sizeof number)
                return false;
        memcpy(number, entry + 10, (size_t)n);
        number[n] = '\0';
        if (parse_u64(number, 10, &kib) < 0)
                return false;
        if (kib >= 1 << 20)
                snprintf(ret, size, "%luGB", (unsigned long)(kib >> 20));
        else if (kib >= 1 << 10)
                snprintf(ret, size, "%luMB", (unsigned long)(kib >> 10));
        else
                snprintf(ret, size, "%luKB", (unsigned long)kib);
        return true;
}

void stats_write_hugetlb(struct cgroup *cg, struct json_writer *w)
{
        struct cgroup_hierarchy *h = cgroup_v1(cg, "hugetlb");
        own_dir DIR *dir = opendir("/sys/kernel/mm/hugepages");
        struct dirent *e;
        char size[32];

        if (!h)
                h = cgroup_v2(cg);
        json_begin_object(w, "hugetlb");
        while (h && dir && (e = readdir(dir))) {
                if (page_size_name(e->d_name, size, sizeof size))
                        write_page_size(w, h, size);
        }
        json_end_object(w);
}

/* Whether there is a directory left to look at. */
static bool exists(const struct cgroup *cg)
{
        for (size_t i = 0; i < cg->n; i++) {
                own_fd int fd = hierarchy_open_file(&cg->h[i], "cgroup.procs", O_RDONLY);

                if (fd >= 0)
                        return true;
        }
        return false;
}

int cgroup_stats(struct cgroup *cg, struct json_writer *w, const char *key, struct error *err)
{
        if (!exists(cg))
                return error_set(err, ENOENT, "the container has no cgroup (any more)");
        json_begin_object(w, key);
        stats_write_cpu(cg, w);
        stats_write_cpuset(cg, w);
        stats_write_memory(cg, w);
        stats_write_pids(cg, w);
        stats_write_blkio(cg, w);
        stats_write_hugetlb(cg, w);
        json_end_object(w);
        return buf_failed(w->out) ? error_set(err, ENOMEM, "out of memory") : 0;
}
