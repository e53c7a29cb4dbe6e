/* SPDX-License-Identifier: Apache-2.0 */
/* The interface that QEMU has, when it comes to a network and when it leaves. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/guard.h"
#include "monitor/monitor.h"
#include "net/tap.h"

int monitor_get_tap(const struct monitor *m)
{
        own_fd int qemu = guard_get_qemu(m->qemu_pidfd);
        int tap = qemu < 0 ? qemu : (int)syscall(SYS_pidfd_getfd, qemu, m->ends[END_TAP], 0);

        return qemu >= 0 && tap < 0 ? -errno : tap;
}

void monitor_leave_network(const struct monitor *m)
{
        own_fd int tap = m->qemu && m->job.network ? monitor_get_tap(m) : -1;
        pid_t pid = tap < 0 ? 0 : monitor_find_qemu(m);
        struct error ignored;

        if (pid <= 0)
                return;
        tap_send_away(tap, pid, &ignored);
        /* One that has waited brought its own. */
        tap_send_away(MONITOR_TAP, pid, &ignored);
}
