/* SPDX-License-Identifier: Apache-2.0 */
/* Writing limits: one function for each controller and cgroup version. */
#pragma once

#include "container/cgroup.h"

struct limits {
        struct cgroup *cg;
        struct cgroup_hierarchy *h; /* where the controller is */
        const struct spec_resources *res;
        bool update;
        struct error *err;
};

/* Each writes what the resources ask of its controller; 0 or -errno with l->err filled. */
int limits_v1_cpu(struct limits *l);
int limits_v1_cpuset(struct limits *l);
int limits_v1_memory(struct limits *l);
int limits_v1_pids(struct limits *l);
int limits_v1_blkio(struct limits *l);
int limits_v1_hugetlb(struct limits *l);
int limits_v1_rdma(struct limits *l);
int limits_v1_net_cls(struct limits *l);
int limits_v1_net_prio(struct limits *l);
int limits_v1_devices(struct limits *l);

int limits_v2_cpu(struct limits *l);
int limits_v2_cpuset(struct limits *l);
int limits_v2_memory(struct limits *l);
int limits_v2_pids(struct limits *l);
int limits_v2_io(struct limits *l);
int limits_v2_hugetlb(struct limits *l);
int limits_v2_rdma(struct limits *l);
int limits_v2_unified(struct limits *l);
int limits_v2_devices(struct limits *l);

/*
 * Writes one value. An error names the limit as the configuration does ("memory.limit" is linux.resources.memory.limit)
 * and says so when the host has no such file.
 */
int limits_write(struct limits *l, const char *limit, const char *file, const char *value);
int limits_write_i64(struct limits *l, const char *limit, const char *file, int64_t value);
int limits_write_u64(struct limits *l, const char *limit, const char *file, uint64_t value);

/* The error of limits_write(), for a caller that has tried other ways. */
int limits_error(struct limits *l, const char *limit, const char *file, const char *value, int r);
