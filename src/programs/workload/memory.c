/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and sums of what is larger than the caches: 32 MB, twice. It stays in memory, so that it is seen there. */
#include <stdlib.h>
#include <string.h>

#include "workload.h"

enum { SIZE = 32 << 20, TURNS_OF_100 = 25 };

static uint64_t sum_of(const uint64_t *at)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < SIZE / sizeof *at; i++)
                sum += at[i];
        return sum;
}

uint64_t work_memory(unsigned amount, const char *program)
{
        uint64_t *from = malloc(SIZE), *to = malloc(SIZE), sum = 0;
        unsigned turns = amount * TURNS_OF_100 / 100 + 1;

        if (!from || !to) {
                free(from);
                free(to);
                return FAILED;
        }
        for (size_t i = 0; i < SIZE / sizeof *from; i++)
                from[i] = i;
        for (unsigned i = 0; i < turns; i++) {
                uint64_t *other = from;

                from[i] = ~from[i];
                memcpy(to, from, SIZE);
                sum += sum_of(to);
                from = to;
                to = other;
        }
        return sum >> 1; /* and the memory is not given back */
}
