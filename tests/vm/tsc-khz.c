/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the frequency of the time stamp counter in kHz. QEMU without KVM hands the host's counter to its guest, and
 * a guest that has to find out by itself how fast it runs hangs when the host is busy. /proc/cpuinfo tells the clock
 * of the moment, which is another one.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static double now(unsigned long long *ret_tsc)
{
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
        *ret_tsc = __rdtsc();
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(void)
{
        unsigned long long from, to;
        double start = now(&from);
        nanosleep(&(struct timespec){ .tv_nsec = 100 * 1000 * 1000 }, NULL);
        double seconds = now(&to) - start;
        printf("%.0f\n", (double)(to - from) / seconds / 1000);
        return 0;
}
