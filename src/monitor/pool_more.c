/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/pool_more.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/process.h"

#define SECOND 1000000000LL
#define POOL_BURST (POOL_BURST_SECONDS * SECOND)

int64_t pool_now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_BOOTTIME, &ts);
        return ts.tv_sec * SECOND + ts.tv_nsec;
}

/* ---- how many ---- */

/* The last runs before, the latest first; what is no time is none. */
static void read_runs(int fd, int64_t runs[POOL_BURST_MAX])
{
        if (pread(fd, runs, POOL_BURST_MAX * sizeof(*runs), 0) != POOL_BURST_MAX * (ssize_t)sizeof(*runs))
                memset(runs, 0, POOL_BURST_MAX * sizeof(*runs));
}

static uint32_t note(int fd, int64_t begun)
{
        int64_t runs[POOL_BURST_MAX + 1] = { begun };
        bool is_known = false;
        uint32_t n = 0;

        read_runs(fd, runs + 1);
        for (size_t i = 1; i <= POOL_BURST_MAX; i++) {
                is_known = is_known || runs[i] == begun;
                n += runs[i] > begun - POOL_BURST && runs[i] < begun + POOL_BURST;
        }
        /* The same run may want several. */
        if (!is_known && pwrite(fd, runs, sizeof(runs) - sizeof(*runs), 0) > 0)
                n++;
        return n < POOL_BURST_MAX ? n : POOL_BURST_MAX;
}

uint32_t pool_wanted(const char *directory, const char *key, int64_t begun, uint32_t size)
{
        own_mem char *path = NULL;
        own_fd int fd = -1;
        uint32_t n;

        if (asprintf(&path, "%s/runs-%.12s", directory, key) < 0) {
                path = NULL;
                return size;
        }
        fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        n = fd < 0 ? 0 : note(fd, begun);
        return n > size ? n : size;
}

/* ---- one after the other ---- */

bool pool_leave_next(int *ret_next)
{
        static const struct clone_options o = { .cgroup_fd = -1 };
        int pipes[2];
        pid_t pid;
        char byte;

        *ret_next = -1;
        if (pipe2(pipes, O_CLOEXEC) < 0)
                return false;
        pid = process_clone(&o);
        if (pid != 0) {
                close(pipes[0]);
                if (pid > 0)
                        *ret_next = pipes[1];
                else
                        close(pipes[1]);
                return false;
        }
        close(pipes[1]);
        if (read(pipes[0], &byte, 1) != 1)
                _exit(0);
        close(pipes[0]);
        return true;
}

void pool_tell_next(int *next)
{
        /* It may be gone: then there is no next one. */
        if (*next >= 0 && write(*next, "", 1) <= 1)
                close(take_fd(next));
}
