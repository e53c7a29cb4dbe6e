/* SPDX-License-Identifier: Apache-2.0 */
/* What QEMU takes of the host beside its guest's memory and processors. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "vm/accelerator.h"

/* MiB, at most. */
uint32_t machine_overhead_mib(enum accelerator a, uint32_t memory_mib);

/* Threads, at most: those of its processors, of what waits for disks, and its own. */
uint32_t machine_threads(uint32_t cpus);
