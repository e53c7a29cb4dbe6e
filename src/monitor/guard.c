/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/guard.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/process.h"

enum { OWNER, QEMU, FIRST_OTHER };

/* Nothing else is kept: an end of ours in here would keep the owner alive for ever. */
static void keep(int owner, int qemu)
{
        int fds[] = { dup(owner), dup(qemu) };

        dup2(fds[0], OWNER);
        dup2(fds[1], QEMU);
        close_range(FIRST_OTHER, ~0U, 0);
}

static void watch(int owner, int qemu, pid_t pid)
{
        struct pollfd p[] = { { .fd = OWNER, .events = POLLIN }, { .fd = QEMU, .events = POLLIN } };

        keep(owner, qemu);
        prctl(PR_SET_NAME, "holt-guard", 0, 0, 0);
        while (poll(p, ARRAY_SIZE(p), -1) < 0 && errno == EINTR)
                continue;
        _exit(p[1].revents ? process_wait(pid) : 0);
}

int guard_get_qemu(int pidfd)
{
        int qemu = (int)syscall(SYS_pidfd_getfd, pidfd, QEMU, 0);

        return qemu < 0 ? -errno : qemu;
}

pid_t guard_become(int owner)
{
        int qemu = -1;
        const struct clone_options o = { .cgroup_fd = -1, .ret_pidfd = &qemu };
        pid_t pid = process_clone(&o);

        if (pid > 0)
                watch(owner, qemu, pid);
        return pid;
}
