/* SPDX-License-Identifier: Apache-2.0 */
/* The way into the kernel and back, with nothing to do there, and with little. */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

enum { CALLS_OF_100 = 800000, READ_EVERY = 8 };

uint64_t work_syscalls(unsigned amount, const char *program)
{
        uint64_t calls = (uint64_t)amount * CALLS_OF_100 / 100 + 1;
        int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        char byte = 1;

        if (zero < 0)
                return FAILED;
        for (uint64_t i = 0; i < calls; i++) {
                if (syscall(SYS_getppid) < 0 || (i % READ_EVERY == 0 && read(zero, &byte, 1) != 1)) {
                        close(zero);
                        return FAILED;
                }
        }
        close(zero);
        return calls;
}
