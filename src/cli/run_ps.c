/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_ps.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

enum { MAX_PS_OUTPUT = 64 << 20 };

static int spawn_ps(char *const *argv, int output, pid_t *ret)
{
        posix_spawn_file_actions_t actions;
        int r;

        r = posix_spawn_file_actions_init(&actions);
        if (r)
                return -r;
        r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawnp(ret, "ps", &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static int wait_for_ps(pid_t pid, struct error *err)
{
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return error_errno(err, errno, "wait for ps");
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        return error_set(err, EIO, "ps failed with status %d", WIFEXITED(status) ? WEXITSTATUS(status) : 128);
}

int run_ps(char *const *argv, struct buf *ret, struct error *err)
{
        own_fd int in = -1, out = -1;
        int ends[2], r;
        pid_t pid = -1;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_errno(err, errno, "pipe");
        in = ends[0];
        out = ends[1];
        r = spawn_ps(argv, out, &pid);
        if (r < 0)
                return error_errno(err, -r, "ps");
        close(take_fd(&out));
        r = fd_read_all(in, MAX_PS_OUTPUT, ret);
        close(take_fd(&in)); /* a ps that still writes must not wait for us for ever */
        if (r < 0)
                error_errno(err, -r, "read from ps");
        return wait_for_ps(pid, r < 0 ? NULL : err) < 0 && r == 0 ? -EIO : r;
}
