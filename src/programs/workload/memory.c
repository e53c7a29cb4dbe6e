/* SPDX-License-Identifier: Apache-2.0 */
/* Copies and sums of what is larger than most caches: two blocks of 32 MB, which stay, so that they are seen. */
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
        static uint64_t blocks[2][SIZE / sizeof(uint64_t)];
        unsigned turns = amount * TURNS_OF_100 / 100 + 1;
        uint64_t sum = 0;

        for (size_t i = 0; i < SIZE / sizeof **blocks; i++)
                blocks[0][i] = i;
        for (unsigned i = 0; i < turns; i++) {
                uint64_t *from = blocks[i % 2], *to = blocks[(i + 1) % 2];

                from[i] = ~from[i];
                memcpy(to, from, SIZE);
                sum += sum_of(to);
        }
        return sum >> 1;
}
