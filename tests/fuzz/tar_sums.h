/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums for archives that were made by chance. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The fuzzer will not guess sums: what looks like a header gets its own. */
static inline void tar_mend_sums(uint8_t *data, size_t size)
{
        enum { BLOCK = 512, SUM = 148, SUM_END = 156, MAGIC = 257 };

        for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
                uint8_t *b = data + at;
                unsigned sum = 0;
                char text[8];

                if (memcmp(b + MAGIC, "ustar", 5) != 0)
                        continue;
                for (size_t i = 0; i < BLOCK; i++)
                        sum += i >= SUM && i < SUM_END ? ' ' : b[i];
                snprintf(text, sizeof text, "%06o", sum);
                memcpy(b + SUM, text, sizeof text - 1);
                b[SUM_END - 1] = ' ';
        }
}
