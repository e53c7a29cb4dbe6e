/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that do nothing: half of them copies of this one, half execute it again, as a shell's commands do. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

enum { PROCESSES_OF_100 = 600 };

uint64_t work_processes(unsigned amount, const char *program)
{
        unsigned n = amount * PROCESSES_OF_100 / 100 + 1;

        for (unsigned i = 0; i < n; i++) {
                pid_t pid = fork();
                int status = 1;

                if (pid == 0) {
                        if (i % 2)
                                execl(program, program, "true", (char *)NULL);
                        _exit(i % 2 ? 127 : 0);
                }
                if (pid < 0 || waitpid(pid, &status, 0) < 0)
                        return FAILED;
                if (status) {
                        errno = ENOEXEC;
                        return FAILED;
                }
        }
        return n;
}
