/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics in runc's words: each function appends one member of the "data" object. What a host does not count is left
 * away. */
#pragma once

#include "container/cgroup.h"

/*
 * Numbers, as the kernel has them now, for all who show statistics. What a host does not count stays as it was in *ret,
 * so that the caller says what that means.
 */
struct cpu_counters {
        uint64_t total, kernel, user; /* ns */
        uint64_t periods, throttled_periods, throttled_ns;
};
void stats_read_cpu(struct cgroup *cg, struct cpu_counters *ret);

struct memory_counters {
        uint64_t limit, usage, max, failed; /* failed: v1 */
};
/* kind: NULL for memory alone; v2 has "swap" (swap alone), v1 "memsw" (both together), "kmem", "kmem.tcp". */
void stats_read_memory(struct cgroup *cg, const char *kind, struct memory_counters *ret);
/* A line of memory.stat, as long as that is. */
void stats_read_memory_key(struct cgroup *cg, const char *key, uint64_t *ret);

/* limit: UINT64_MAX for none */
void stats_read_pids(struct cgroup *cg, uint64_t *ret_current, uint64_t *ret_limit);

/* Block I/O: v1's files, and io.stat in v1's words. */
enum io_kind {
        IO_SECTORS,
        IO_SERVICE_TIME,
        IO_WAIT_TIME,
        IO_MERGED,
        IO_QUEUED,
        IO_TIME,
        IO_SERVICE_BYTES,
        IO_SERVICED,
        IO_KINDS,
};

struct io_entry {
        uint64_t major, minor, value;
        const char *op; /* "Read", "Write" ...; "" where the kernel does not tell them apart */
};

/* Calls each() for every entry; false when the host does not count that. */
bool stats_each_io(struct cgroup *cg, enum io_kind kind, void (*each)(void *userdata, const struct io_entry *e),
                   void *userdata);

void stats_write_cpu(struct cgroup *cg, struct json_writer *w);
void stats_write_cpuset(struct cgroup *cg, struct json_writer *w);
void stats_write_memory(struct cgroup *cg, struct json_writer *w);
void stats_write_pids(struct cgroup *cg, struct json_writer *w);
void stats_write_blkio(struct cgroup *cg, struct json_writer *w);
void stats_write_hugetlb(struct cgroup *cg, struct json_writer *w);

/* A member, unless it is 0. */
void stats_write_nonzero(struct json_writer *w, const char *key, uint64_t value);

/* A "psi" member from a cgroup2 file such as "cpu.pressure", where the kernel keeps it. */
void stats_write_pressure(struct cgroup *cg, struct json_writer *w, const char *file);
