/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_OUTPUT = 4096 };

/* Only system calls here. */
static _Noreturn void become(const char *const *argv, int in, int out)
{
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        process_reset_signals();
        if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                _exit(126);
        execvp(argv[0], (char *const *)argv);
        _exit(errno == ENOENT ? 127 : 126);
}

/* A pipe with the text in it: it is shorter than what a pipe takes. */
static int fill_pipe(const char *input, struct error *err)
{
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_errno(err, errno, "make a pipe");
        r = fd_write_all(fds[1], input, strlen(input));
        close(fds[1]);
        if (r < 0) {
                close(fds[0]);
                return error_errno(err, -r, "write to a pipe");
        }
        return fds[0];
}

/* What it says on standard error goes into a file without a name: nobody has to read it while it runs. */
static int run(const char *const *argv, int in, int out, struct error *err)
{
        const struct clone_options o = { .cgroup_fd = -1 };
        pid_t pid = process_clone(&o);
        int status;

        if (pid < 0)
                return error_errno(err, (int)-pid, "start %s", argv[0]);
        if (pid == 0)
                become(argv, in, out);
        status = process_wait(pid);
        return status < 0 ? error_errno(err, -status, "wait for %s", argv[0]) : status;
}

int program_run(const char *const *argv, const char *input, struct error *err)
{
        own_fd int in = fill_pipe(input, err), out = -1;
        char said[MAX_OUTPUT];
        ssize_t len;
        int r;

        if (in < 0)
                return in;
        out = memfd_create(argv[0], MFD_CLOEXEC);
        if (out < 0)
                return error_errno(err, errno, "make a memfd");
        r = run(argv, in, out, err);
        if (r <= 0)
                return r;
        if (r == 127)
                return error_set(err, ENOENT, "%s is not installed", argv[0]);
        len = pread(out, said, sizeof said - 1, 0);
        said[len < 0 ? 0 : len] = '\0';
        said[strcspn(said, "\n")] = '\0';
        return error_set(err, EIO, "%s failed: %s", argv[0], said);
}
