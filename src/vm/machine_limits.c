/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/machine_limits.h"

/* DISK_THREADS: thread-pool-max of QEMU's main loop. */
enum { OWN_MIB = 128, TRANSLATED_MIB = 256, DISK_THREADS = 64, OWN_THREADS = 16 };

/*
 * Measured with QEMU 7.2 and a guest of 256 MB that has used all of it: 31 MB of its own with the buffers of the disks;
 * TCG adds what it has translated, up to tb-size (machine.c), and 2 bytes for each KB of the guest's memory. The rest
 * is room for the page cache of what it is reading, which can be given up, and for page tables.
 */
uint32_t machine_overhead_mib(enum accelerator a, uint32_t memory_mib)
{
        return OWN_MIB + (a == ACCELERATOR_TCG ? TRANSLATED_MIB : 0) + memory_mib / 64;
}

uint32_t machine_threads(uint32_t cpus)
{
        return cpus + DISK_THREADS + OWN_THREADS;
}
