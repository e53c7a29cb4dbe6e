/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holt compare runs everywhere: a program that depends on nothing, and does the same work wherever it runs.
 *
 * Each piece of work is a function of an amount in percent, of which 100 takes some tenths of a second. It works in the
 * current directory if it needs files; program is the path of this one. It returns a sum over what it did, which is the
 * same everywhere, or FAILED with errno set.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FAILED UINT64_MAX

typedef uint64_t work_function(unsigned amount, const char *program);

work_function work_cpu, work_files, work_memory, work_network, work_processes, work_syscalls;

/* Numbers that look random and are the same each time. state: any but 0. */
static inline uint64_t next_number(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* Reads or writes all of it: 0, or -1 with errno set; the end of what is read is EPIPE. */
int read_all(int fd, void *data, size_t len);
int write_all(int fd, const void *data, size_t len);
