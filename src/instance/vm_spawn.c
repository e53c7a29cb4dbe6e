/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <signal.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/process.h"

/* As monitor/monitor.h. */
enum { FIRST = 3, FIXED = 4, MAX_LAYERS = 250, MAX_SHARES = 64 };

/* The program comes last, and its number is returned. First all out of the way: one may stand where another shall be.
 */
static int place_descriptors(const struct vm_birth *b)
{
        int fds[FIRST + FIXED + MAX_LAYERS + MAX_SHARES + 1] = {
                b->stdio[0], b->stdio[1], b->stdio[2], b->job, b->answer, b->place, b->tap >= 0 ? b->tap : b->place
        };
        size_t n = FIRST + FIXED + b->n_layers + b->n_shares + 1;

        for (size_t i = 0; i < b->n_layers; i++)
                fds[FIRST + FIXED + i] = b->layers[i];
        for (size_t i = 0; i < b->n_shares; i++)
                fds[FIRST + FIXED + b->n_layers + i] = b->shares[i];
        fds[n - 1] = b->program;
        for (size_t i = 0; i < n; i++) {
                fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, (int)n);
                if (fds[i] < 0)
                        return -1;
        }
        for (size_t i = 0; i < n; i++)
                if (dup2(fds[i], (int)i) < 0)
                        return -1;
        return (int)n - 1;
}

static void become(const struct vm_birth *b)
{
        static const char *const argv[] = { "holt-vm", NULL };
        int program;

        setsid();
        program = place_descriptors(b);
        if (program < 0 || (b->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0) ||
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return;
        fcntl(program, F_SETFD, FD_CLOEXEC);
        syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
}

int vm_spawn(const struct vm_birth *b, pid_t *ret_pid, struct error *err)
{
        int pidfd = -1;
        const struct clone_options o = { .cgroup_fd = -1, .ret_pidfd = &pidfd };
        pid_t pid;

        if (b->n_layers > MAX_LAYERS)
                return error_set(err, E2BIG, "an image of %zu layers: a machine takes %d", b->n_layers, MAX_LAYERS);
        if (b->n_shares > MAX_SHARES)
                return error_set(err, E2BIG, "%zu mounts of the host: a machine takes %d", b->n_shares, MAX_SHARES);
        pid = process_clone(&o);
        if (pid < 0)
                return error_errno(err, (int)-pid, "start holt-vm");
        if (pid == 0) {
                become(b);
                _exit(127);
        }
        *ret_pid = pid;
        return pidfd;
}
