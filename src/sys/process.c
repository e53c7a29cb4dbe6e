/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "sys/fd.h"

pid_t process_clone(const struct clone_options *o)
{
        struct clone_args args = { .flags = o->flags, .exit_signal = o->flags & CLONE_PARENT ? 0 : SIGCHLD };
        int pidfd = -1;
        long pid;

        if (o->cgroup_fd >= 0) {
                args.flags |= CLONE_INTO_CGROUP;
                args.cgroup = (uint64_t)o->cgroup_fd;
        }
        if (o->ret_pidfd) {
                args.flags |= CLONE_PIDFD;
                args.pidfd = (uint64_t)(uintptr_t)&pidfd;
        }
        pid = syscall(SYS_clone3, &args, sizeof args);
        /* A container's seccomp filter, under which its hooks may run, cannot look into clone3's arguments. */
        if (pid < 0 && errno == ENOSYS && o->cgroup_fd < 0)
                pid = syscall(SYS_clone, args.flags | args.exit_signal, NULL, &pidfd, NULL, NULL);
        if (pid < 0)
                return -errno;
        if (pid > 0 && o->ret_pidfd)
                *o->ret_pidfd = pidfd;
        return (pid_t)pid;
}

int process_open(pid_t pid)
{
        long fd = syscall(SYS_pidfd_open, pid, 0);

        return fd < 0 ? -errno : (int)fd;
}

int process_signal(int pidfd, int signo)
{
        return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

/* Fields of /proc/PID/stat by their numbers in proc(5). */
enum { STAT_NAME = 2, STAT_STATE = 3, STAT_START_TIME = 22 };

/* The last of the next n fields, or NULL; *rest is left behind it. */
static const char *skip_fields(char **rest, int n)
{
        const char *field = NULL;

        while (n-- > 0)
                field = strsep(rest, " ");
        return field;
}

int process_stat(pid_t pid, uint64_t *ret_start_time, char *ret_state)
{
        char path[64], text[1024], *rest;
        const char *state, *start;
        uint64_t start_time;
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        n = fd_read_file_at(AT_FDCWD, path, text, sizeof text);
        if (n == -ENOENT)
                return -ESRCH;
        if (n < 0)
                return (int)n;
        /* The name in parentheses may hold anything, also parentheses: start behind the last one. */
        rest = strrchr(text, ')');
        state = skip_fields(&rest, 1 + STAT_STATE - STAT_NAME);
        start = skip_fields(&rest, STAT_START_TIME - STAT_STATE);
        if (!state || strlen(state) != 1 || !start || parse_u64(start, 10, &start_time) < 0)
                return -EPROTO;
        *ret_start_time = start_time;
        *ret_state = *state;
        return 0;
}

int process_exit_status(int wait_status)
{
        if (WIFSIGNALED(wait_status))
                return 128 + WTERMSIG(wait_status);
        return WEXITSTATUS(wait_status);
}

int process_wait(pid_t pid)
{
        int status;

        while (waitpid(pid, &status, __WALL) < 0) {
                if (errno != EINTR)
                        return -errno;
        }
        return process_exit_status(status);
}

void process_hide(void)
{
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void process_reset_signals(void)
{
        sigset_t none;

        for (int i = 1; i < NSIG; i++) {
                if (i != SIGKILL && i != SIGSTOP)
                        signal(i, SIG_DFL);
        }
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}
