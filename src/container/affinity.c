/* SPDX-License-Identifier: Apache-2.0 */
#include "container/affinity.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"

enum { MAX_CPUS = 8192 };

/* One number at *p; moves on behind it. */
static int take_cpu(const char **p, uint32_t *ret)
{
        size_t n = strspn(*p, "0123456789");
        own_mem char *digits = strndup(*p, n);

        *p += n;
        if (!digits)
                return -ENOMEM;
        return parse_u32(digits, 10, ret) < 0 || *ret >= CPU_SETSIZE ? -EINVAL : 0;
}

static int parse_cpus(const char *p, cpu_set_t *ret)
{
        uint32_t from, to;

        CPU_ZERO(ret);
        for (;;) {
                if (take_cpu(&p, &from) < 0)
                        return -EINVAL;
                to = from;
                if (*p == '-') {
                        p++;
                        if (take_cpu(&p, &to) < 0 || to < from)
                                return -EINVAL;
                }
                for (uint32_t i = from; i <= to; i++)
                        CPU_SET(i, ret);
                if (!*p)
                        return 0;
                if (*p++ != ',')
                        return -EINVAL;
        }
}

/* Enough bits for any kernel's NR_CPUS; those of no CPU, or of none of our cpuset, are cut off by the kernel. */
void affinity_reset(void)
{
        unsigned char all[MAX_CPUS / 8];

        memset(all, 0xff, sizeof all);
        /* No right to, or no such call: then it is the caller's, as it always was. */
        (void)!sched_setaffinity(0, sizeof all, (const cpu_set_t *)(const void *)all);
}

int affinity_set(const char *cpus, const char *which, struct error *err)
{
        cpu_set_t set;

        if (!cpus)
                return 0;
        if (parse_cpus(cpus, &set) < 0)
                return error_set(err, EINVAL, "process.execCPUAffinity.%s: \"%s\" is no list of cpus", which, cpus);
        if (sched_setaffinity(0, sizeof set, &set) < 0)
                return error_errno(err, errno, "set process.execCPUAffinity.%s to %s", which, cpus);
        return 0;
}
