/* SPDX-License-Identifier: Apache-2.0 */
/* ps: the lines of ps(1) whose process is in the container's cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "programs/oci/invocation.h"
#include "programs/oci/process_table.h"
#include "sys/fd.h"

enum { MAX_PS_OUTPUT = 64 << 20 };

static int spawn_ps(char **argv, int output, pid_t *ret)
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

/* Runs ps with the options of the command line, or -ef. */
static int run_ps(const struct args *a, struct buf *ret, struct error *err)
{
        char *everything[] = { (char *)"ps", (char *)"-ef", NULL }, **argv = everything;
        own_fd int in = -1, out = -1;
        int ends[2], r;
        pid_t pid = -1;

        if (a->n_operands > 1) {
                argv = a->operands; /* the id makes room for the program's name */
                argv[0] = (char *)"ps";
        }
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

static void write_json(const pid_t *pids, size_t n, struct buf *out)
{
        struct json_writer w = { .out = out };

        json_begin_array(&w, NULL);
        for (size_t i = 0; i < n; i++)
                json_write_i64(&w, NULL, pids[i]);
        json_end_array(&w);
        buf_add(out, "\n", 1);
}

int cmd_ps(struct invocation *inv, struct error *err)
{
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        bool json = format && strcmp(format, "json") == 0;
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        own_buf struct buf listing = {}, out = {};
        own_mem pid_t *pids = NULL;
        size_t n_pids;
        int r;

        if (format && !json && strcmp(format, "table") != 0)
                return error_set(err, EINVAL, "option --format: invalid value \"%s\"", format);
        r = invocation_container(inv, &c, err);
        if (r < 0)
                return r;
        r = cgroup_pids(&c.cgroup, &pids, &n_pids, err);
        if (r < 0)
                return r;
        if (json) {
                write_json(pids, n_pids, &out);
                return output_write(&out, err);
        }
        r = run_ps(&inv->args, &listing, err);
        if (r < 0)
                return r;
        r = process_table_filter(buf_str(&listing), pids, n_pids, &out);
        if (r < 0)
                return error_set(err, EINVAL, "ps shows no PID column to filter by");
        return output_write(&out, err);
}
