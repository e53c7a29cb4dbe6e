/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics in runc's words: each function appends one member of the "data" object. What a host does not count is left
 * away. */
#pragma once

#include "container/cgroup.h"

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
