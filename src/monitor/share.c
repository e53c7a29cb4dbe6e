/* SPDX-License-Identifier: Apache-2.0 */
/* The host's directories in a guest: holt-share has them, and the stream to the guest's end; we have neither. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "share/share.h"
#include "sys/process.h"
#include "sys/sibling_program.h"

/* In order, out of the way of each other first; -1. */
static bool place_descriptors(const struct monitor *m)
{
        int fds[1 + SHARE_MAX];
        size_t n = 1 + m->job.n_shares;

        for (size_t i = 0; i < n; i++) {
                fds[i] = fcntl(i ? m->job.shares_at + (int)i - 1 : m->share, F_DUPFD_CLOEXEC, SHARE_STREAM + (int)n);
                if (fds[i] < 0)
                        return false;
        }
        for (size_t i = 0; i < n; i++)
                if (dup2(fds[i], SHARE_STREAM + (int)i) < 0)
                        return false;
        return true;
}

/* What it has to complain of is in the instance's log. */
static void become(const struct monitor *m, bool is_copy, const char *program)
{
        char number[16];
        const char *const argv[] = { "holt-share", number, is_copy ? SHARE_OF_COPY : NULL, NULL };
        static const char *const environment[] = { NULL };
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        snprintf(number, sizeof(number), "%u", m->job.n_shares);
        process_reset_signals();
        if (!place_descriptors(m) || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || setsid() < 0 ||
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return;
        execve(program, (char *const *)argv, (char *const *)environment);
}

/* What it does is the machine's doing: it has the machine's limits, and goes with its cgroup. */
static int spawn(const struct monitor *m, bool is_copy, const char *program, struct error *err)
{
        const struct clone_options o = { .flags = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID,
                                         .cgroup_fd = cgroup_clone_fd(&m->cgroup) };
        pid_t pid = process_clone(&o);

        if (pid == 0) {
                if (cgroup_join(&m->cgroup, true, err) == 0)
                        become(m, is_copy, program);
                _exit(127);
        }
        return pid < 0 ? error_errno(err, (int)-pid, "start holt-share") : 0;
}

int monitor_start_share(struct monitor *m, bool is_copy, struct error *err)
{
        char program[PATH_MAX];
        int r;

        /* Without shares nobody reads: who writes there waits. */
        if (!m->job.n_shares)
                return 0;
        r = sibling_program_find("holt-share", program, err);
        if (r == 0)
                r = spawn(m, is_copy, program, err);
        close(take_fd(&m->share));
        return r;
}
