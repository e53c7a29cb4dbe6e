/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/changes.h"
#include "instance/copy_side.h"
#include "instance/exec_container.h"
#include "instance/process_row.h"
#include "store/tar_tree.h"
#include "sys/fd.h"
#include "sys/passwd.h"
#include "sys/process.h"

enum { MAX_ERROR = 255, ROOT_PATH = 40 };

static int put(const void *data, size_t len, struct error *err)
{
        int r = fd_write_all(STDOUT_FILENO, data, len);

        return r < 0 ? error_errno(err, -r, "write to the host") : 0;
}

/* ---- where ---- */

/* -ESRCH: it does not run. */
static int open_container(struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        enum container_status status = CONTAINER_STOPPED;
        char path[ROOT_PATH];
        int r = container_of_instance(GUEST_RUN, GUEST_CONTAINER, &c, err);

        if (r == 0)
                r = container_status(&c, &status, err);
        if (r < 0 || status == CONTAINER_STOPPED)
                return -ESRCH;
        snprintf(path, sizeof path, "/proc/%d/root", (int)c.pid);
        r = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return r < 0 ? error_errno(err, errno, "open the container's root") : r;
}

static int open_root(const struct guest *g, const struct workload_request *w, struct error *err)
{
        int r = w->bare ? -ESRCH : open_container(err);

        if (r != -ESRCH)
                return r;
        r = fcntl(g->root, F_DUPFD_CLOEXEC, 0);
        return r < 0 ? error_errno(err, errno, "open " GUEST_ROOT) : r;
}

/* ---- copies ---- */

static int do_source(const struct guest *g, const struct workload_request *w, struct error *err)
{
        own_copy_source struct copy_source source = { .fd = -1 };
        own_fd int root = open_root(g, w, err);
        const struct copy_side side = { .root = root, .path = w->args[1] };
        int r = root < 0 ? root : copy_source_find(&side, w->follow, &source, err);

        return r < 0 ? r : put(source.is_directory ? "d" : source.is_device ? "v" : "f", 1, err);
}

static int do_target(const struct guest *g, const struct workload_request *w, struct error *err)
{
        own_fd int root = open_root(g, w, err);
        const struct copy_side side = { .root = root, .path = w->args[1] };
        struct copy_target target;
        int r = root < 0 ? root : copy_target_find(&side, &target, err);

        if (r == 0)
                r = put(target.is_directory ? "d" : target.exists ? "e" : "-", 1, err);
        return r < 0 ? r : put(target.path, strlen(target.path), err);
}

static int do_archive(const struct guest *g, const struct workload_request *w, struct error *err)
{
        own_copy_source struct copy_source source = { .fd = -1 };
        own_fd int root = open_root(g, w, err);
        const struct copy_side side = { .root = root, .path = w->args[1] };
        int r = root < 0 ? root : copy_source_find(&side, w->follow, &source, err);

        return r < 0 ? r : copy_archive(&source, w->args[2], STDOUT_FILENO, err);
}

static int do_extract(const struct guest *g, const struct workload_request *w, struct error *err)
{
        own_mem struct copy_input *in = malloc(sizeof *in);
        own_tar_reader struct tar_reader *tar = in ? tar_reader_new(copy_input_read, NULL, in) : NULL;
        own_fd int root = open_root(g, w, err);
        const struct copy_side side = { .root = root, .path = w->args[1] };
        const struct copy_options options = {};

        if (root < 0)
                return root;
        if (!in || !tar)
                return error_set(err, ENOMEM, "out of memory");
        in->fd = STDIN_FILENO;
        return copy_extract(&side, w->args[1], tar, w->args[2], &options, err);
}

/* ---- what was written ---- */

static int write_tree(int dir, bool overlay, struct error *err)
{
        const struct tar_tree_options o = { .dir = dir, .name = ".", .as = ".", .overlay = overlay, .stable = true };

        return tar_tree_write(&o, STDOUT_FILENO, err);
}

static int open_upper(struct error *err)
{
        int fd = open(GUEST_UPPER "/upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, "open what was written") : fd;
}

static int do_layer(const struct guest *g, const struct workload_request *w, struct error *err)
{
        own_fd int upper = open_upper(err);

        return upper < 0 ? upper : write_tree(upper, true, err);
}

static int do_whole(const struct guest *g, const struct workload_request *w, struct error *err)
{
        own_fd int root = openat(g->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return root < 0 ? error_errno(err, errno, "open " GUEST_ROOT) : write_tree(root, false, err);
}

static int add_change(void *userdata, enum change_kind kind, const char *path, struct error *err)
{
        FILE *out = userdata;

        return fprintf(out, "%c%s%c", (char)kind, path, '\0') < 0 ? error_errno(err, errno, "write to the host") : 0;
}

static int do_changes(const struct guest *g, const struct workload_request *w, struct error *err)
{
        own_fd int upper = open_upper(err), lower = upper < 0 ? upper : guest_open_image(err);
        const struct changes_options o = { upper, lower, w->args + 1 };
        int r = lower < 0 ? lower : changes_find(&o, add_change, stdout, err);

        if (r == 0 && fflush(stdout) != 0)
                r = error_errno(err, errno, "write to the host");
        return r;
}

/* ---- processes ---- */

static void add_row(const struct process_row *row, struct buf *out)
{
        struct passwd_entry entry;
        char path[ROOT_PATH];

        snprintf(path, sizeof path, "/proc/%d/root/etc/passwd", (int)row->pid);
        if (passwd_find(path, row->uid, &entry) && *entry.name)
                buf_addf(out, "%s%c", entry.name, '\0');
        else
                buf_addf(out, "%u%c", (unsigned)row->uid, '\0');
        buf_addf(out, "%d%c%d%c%u%c%s%c%s%c%s%c%s%c", (int)row->pid, '\0', (int)row->ppid, '\0', row->percent, '\0',
                 row->stime, '\0', row->tty, '\0', row->time, '\0', row->command.data ? row->command.data : "", '\0');
}

static int compare(const void *a, const void *b)
{
        return *(const pid_t *)a < *(const pid_t *)b ? -1 : *(const pid_t *)a > *(const pid_t *)b;
}

static int do_processes(const struct guest *g, const struct workload_request *w, struct error *err)
{
        own_buf struct buf out = {};
        struct process_clock now;
        pid_t *pids = NULL;
        size_t n = 0;
        int r = backend_container.pids(GUEST_RUN, GUEST_CONTAINER, &pids, &n, err);

        process_clock_read(&now);
        if (n)
                qsort(pids, n, sizeof *pids, compare);
        for (size_t i = 0; r == 0 && i < n; i++) {
                own_process_row struct process_row row = {};

                if (process_row_read("/proc", pids[i], &now, &row) == 0)
                        add_row(&row, &out);
        }
        free(pids);
        if (r == 0 && buf_failed(&out))
                r = error_set(err, ENOMEM, "out of memory");
        return r < 0 ? r : put(buf_str(&out), out.len, err);
}

/* ---- all ---- */

static const struct errand {
        const char *name;
        size_t words; /* behind it, at least */
        int (*run)(const struct guest *g, const struct workload_request *w, struct error *err);
} errands[] = {
        { "source", 1, do_source },   { "target", 1, do_target },       { "archive", 2, do_archive },
        { "extract", 1, do_extract }, { "changes", 0, do_changes },     { "layer", 0, do_layer },
        { "whole", 0, do_whole },     { "processes", 0, do_processes },
};

static const struct errand *find(const struct workload_request *w, struct error *err)
{
        size_t n = 0;

        while (w->args[1 + n])
                n++;
        for (size_t i = 0; i < ARRAY_SIZE(errands); i++)
                if (strcmp(errands[i].name, w->args[0]) == 0 && n >= errands[i].words)
                        return &errands[i];
        error_set(err, EINVAL, "there is no errand \"%s\"", w->args[0]);
        return NULL;
}

static _Noreturn void run(const struct errand *what, const struct guest *g, const struct workload_request *w,
                          const int *stdio)
{
        struct error err;

        process_reset_signals();
        for (int i = 0; i <= STDERR_FILENO; i++)
                if (dup2(stdio[i], i) < 0)
                        _exit(MAX_ERROR);
        /* Who has the other end of a pipe would never see it come to its end. */
        if (fd_close_others(0, &g->root, 1) < 0)
                _exit(MAX_ERROR);
        if (what->run(g, w, &err) == 0)
                _exit(0);
        fd_write_all(STDERR_FILENO, err.text, strlen(err.text));
        _exit(err.code > 0 && err.code < MAX_ERROR ? err.code : MAX_ERROR);
}

/* What does not run stands still. */
static int freeze(struct guest *g, struct error *err)
{
        int r = g->n_freezing ? 0 : backend_container.pause(GUEST_RUN, GUEST_CONTAINER, true, err);
        struct error ignored;
        own_fd int runs = r < 0 ? open_container(&ignored) : -1;

        if (r < 0 && runs != -ESRCH)
                return r;
        g->n_freezing++;
        return 0;
}

void errand_end(struct guest *g)
{
        struct error ignored;

        if (--g->n_freezing == 0)
                backend_container.pause(GUEST_RUN, GUEST_CONTAINER, false, &ignored);
}

int errand_start(struct guest *g, const struct workload_request *w, const int *stdio, pid_t *ret_pid, struct error *err)
{
        const struct errand *what = find(w, err);
        pid_t pid;
        int r;

        if (!what)
                return -err->code;
        r = w->freeze ? freeze(g, err) : 0;
        if (r < 0)
                return r;
        pid = fork();
        if (pid == 0)
                run(what, g, w, stdio);
        if (pid < 0) {
                if (w->freeze)
                        errand_end(g);
                return error_errno(err, errno, "start a process");
        }
        *ret_pid = pid;
        return 0;
}
