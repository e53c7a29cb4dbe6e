/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/tsc.h"

#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>

static uint64_t count(void)
{
        return __rdtsc();
}
#else
static uint64_t count(void)
{
        return 0;
}
#endif

struct tsc_sample tsc_now(void)
{
        struct timespec ts;
        uint64_t tsc;

        clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
        tsc = count();
        return (struct tsc_sample){ .tsc = tsc, .ns = ts.tv_sec * 1000000000LL + ts.tv_nsec };
}

uint32_t tsc_khz_since(const struct tsc_sample *s)
{
        struct tsc_sample now = tsc_now();

        return now.ns > s->ns ? (uint32_t)((now.tsc - s->tsc) * 1000000ULL / (uint64_t)(now.ns - s->ns)) : 0;
}

uint32_t tsc_khz(void)
{
        static const struct timespec pause = { .tv_nsec = 20000000 };
        struct tsc_sample begin = tsc_now();

        nanosleep(&pause, NULL);
        return tsc_khz_since(&begin);
}
