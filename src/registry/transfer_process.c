/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/transfer_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/own.h"
#include "registry/transfer_protocol.h"
#include "sys/process.h"
#include "sys/sibling_program.h"

#define PROGRAM "holt-fetch"

/* Only system calls here: the child shares nothing but the memory's copy. */
static _Noreturn void become(const char *path, int sock)
{
        char *const argv[] = { (char *)PROGRAM, NULL };
        int null = open("/dev/null", O_RDONLY);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        process_reset_signals();
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
                _exit(127);
        /* Also clears close-on-exec, where it is that number already. */
        if (sock == TRANSFER_SOCKET ? fcntl(sock, F_SETFD, 0) < 0 : dup2(sock, TRANSFER_SOCKET) < 0)
                _exit(127);
        if (close_range(TRANSFER_SOCKET + 1, ~0U, 0) < 0)
                _exit(127);
        execv(path, argv);
        _exit(127);
}

int transfer_process_start(struct transfer_process *ret, int *ret_sock, struct error *err)
{
        own_fd int ours = -1, theirs = -1;
        struct clone_options o = { .cgroup_fd = -1, .ret_pidfd = &ret->pidfd };
        int pair[2], r = sibling_program_find(PROGRAM, ret->path, err);
        pid_t pid;

        if (r < 0)
                return r;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "make a socket");
        ours = pair[0];
        theirs = pair[1];
        pid = process_clone(&o);
        if (pid < 0)
                return error_errno(err, (int)-pid, "start " PROGRAM);
        if (pid == 0)
                become(ret->path, theirs);
        ret->pid = pid;
        *ret_sock = take_fd(&ours);
        return 0;
}

int transfer_process_lost(struct transfer_process *p, struct error *err)
{
        int status = process_wait(p->pid);

        close(p->pidfd);
        p->pidfd = -1;
        if (status > 128)
                return error_set(err, EPIPE, PROGRAM " was ended by signal %d", status - 128);
        return error_set(err, EPIPE, PROGRAM " ended with status %d and without a result", status);
}

void transfer_process_finish(struct transfer_process *p)
{
        if (p->pidfd < 0)
                return;
        process_signal(p->pidfd, SIGKILL);
        process_wait(p->pid);
        close(p->pidfd);
        p->pidfd = -1;
}
