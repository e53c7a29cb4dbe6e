/* SPDX-License-Identifier: Apache-2.0 */
/* From v1's values to cgroup2's, by the formulas that Kubernetes, runc and crun have made customary. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* cpu.shares 2..262144 to cpu.weight 1..10000: linear, as in runc 1.2 (later ones bend it so that 1024 gives 100). */
uint64_t convert_shares(uint64_t shares);

/* blkio.weight 10..1000 to io.weight 1..10000. */
uint64_t convert_io_weight(uint64_t weight);

/* "QUOTA PERIOD" of cpu.max; a quota of 0 or less is "max". */
void convert_cpu_max(int64_t quota, uint64_t period, char *ret, size_t size);

/*
 * Memory and swap together (0: not given, -1: unlimited), and memory (likewise), to swap alone (-1: unlimited).
 * -EINVAL when the sum is given without the memory, -ERANGE when it is smaller.
 */
int convert_swap(int64_t both, int64_t memory, int64_t *ret);
