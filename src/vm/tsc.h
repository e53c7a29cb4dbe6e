/* SPDX-License-Identifier: Apache-2.0 */
/* The host's time stamp counter, which guests read as well: one that has to measure it under TCG may hang. */
#pragma once

#include <stdint.h>

struct tsc_sample {
        uint64_t tsc;
        int64_t ns;
};

struct tsc_sample tsc_now(void);

/* In kHz; the longer ago, the better. 0: this processor has no counter. */
uint32_t tsc_khz_since(const struct tsc_sample *s);

/* Counts for 20 ms. */
uint32_t tsc_khz(void);
