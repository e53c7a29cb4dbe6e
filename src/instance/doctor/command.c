/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/doctor/doctor.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_OUTPUT = 16 << 20 };

static int spawn(const char *const *argv, int output, pid_t *ret)
{
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);

        if (r)
                return -r;
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int doctor_command(const struct doctor_host *h, const char *const *argv, struct buf *out)
{
        own_fd int in = -1, output = -1;
        int ends[2], r;
        pid_t pid = -1;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        in = ends[0];
        output = ends[1];
        r = spawn(argv, output, &pid);
        if (r < 0)
                return r;
        close(take_fd(&output));
        r = fd_read_all(in, MAX_OUTPUT, out);
        close(take_fd(&in)); /* one that still writes must not wait for us for ever */
        if (r < 0) {
                (void)process_wait(pid);
                return r;
        }
        return process_wait(pid);
}
