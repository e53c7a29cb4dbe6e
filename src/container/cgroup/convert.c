/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/convert.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { MIN_SHARES = 2, MAX_SHARES = 262144, MIN_IO = 10, MAX_IO = 1000, MAX_WEIGHT = 10000 };

static uint64_t scale(uint64_t v, uint64_t low, uint64_t high)
{
        if (v < low)
                v = low;
        if (v > high)
                v = high;
        return 1 + (v - low) * (MAX_WEIGHT - 1) / (high - low);
}

uint64_t convert_shares(uint64_t shares)
{
        return scale(shares, MIN_SHARES, MAX_SHARES);
}

uint64_t convert_io_weight(uint64_t weight)
{
        return scale(weight, MIN_IO, MAX_IO);
}

void convert_cpu_max(int64_t quota, uint64_t period, char *ret, size_t size)
{
        if (quota > 0)
                snprintf(ret, size, "%" PRId64 " %" PRIu64, quota, period);
        else
                snprintf(ret, size, "max %" PRIu64, period);
}

int convert_swap(int64_t both, int64_t memory, int64_t *ret)
{
        if (both < 0 || (both == 0 && memory < 0)) {
                *ret = -1;
                return 0;
        }
        if (memory <= 0)
                return -EINVAL;
        if (both < memory)
                return -ERANGE;
        *ret = both - memory;
        return 0;
}
