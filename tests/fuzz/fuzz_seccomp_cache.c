/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a file of the seccomp cache holds: what is taken from it lies inside of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "container/seccomp_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const void *data, size_t len)
{
        volatile uint8_t sum = 0;

        for (size_t i = 0; i < len; i++)
                sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
}

/* The fuzzer will not guess a checksum: it is mended, where there is a program, so that what lies behind it is reached.
 */
static void mend_checksum(uint8_t *data, size_t size)
{
        enum { HEADER = 32, CHECKSUM = 24, INSTRUCTIONS = 20 };
        uint32_t n;
        uint64_t sum;

        if (size < HEADER)
                return;
        memcpy(&n, data + INSTRUCTIONS, sizeof n);
        if (n > (size - HEADER) / sizeof(struct sock_filter))
                return;
        sum = seccomp_hash(data + size - n * sizeof(struct sock_filter), n * sizeof(struct sock_filter));
        memcpy(data + CHECKSUM, &sum, sizeof sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct seccomp_file f;
        uint8_t *copy = malloc(size ? size : 1); /* exactly as large, and aligned */

        if (!copy)
                return 0;
        memcpy(copy, data, size);
        for (int mended = 0; mended < 2; mended++) {
                if (seccomp_file_parse(copy, size, &f) == 0) {
                        if (f.n_instructions == 0 || f.n_instructions > BPF_MAXINSNS)
                                abort();
                        touch(f.key, f.key_len);
                        touch(f.program, f.n_instructions * sizeof *f.program);
                }
                mend_checksum(copy, size);
        }
        free(copy);
        return 0;
}
