/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_later.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "store/store_private.h"

void later_sync(struct later *l, int fd)
{
        int copy;

        if (l->n_sync == LATER_MAX)
                later_go(l);
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy >= 0)
                l->sync[l->n_sync++] = copy;
}

void later_sync_tree(struct later *l, int fd)
{
        int copy;

        if (l->n_trees == LATER_MAX)
                later_go(l);
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy >= 0)
                l->trees[l->n_trees++] = copy;
}

void later_free(struct later *l, int fd)
{
        if (l->n_free == LATER_MAX)
                later_go(l);
        l->free[l->n_free++] = fd;
}

void later_do(struct later *l, int fd, void (*job)(int fd))
{
        if (l->job)
                close(l->job_fd);
        l->job = job;
        l->job_fd = fd;
}

static int by_number(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b;
}

/* Nobody waits for a pipe, a terminal or a lock that this process has by inheritance. */
static void close_others(const int *keep, size_t n)
{
        unsigned first = 0;

        for (size_t i = 0; i < n; i++) {
                if ((unsigned)keep[i] > first)
                        close_range(first, (unsigned)keep[i] - 1, 0);
                first = (unsigned)keep[i] + 1;
        }
        close_range(first, ~0U, 0);
}

static void keep_own(const struct later *l, int parent)
{
        int keep[3 * LATER_MAX + 2];
        size_t n = 0;

        for (size_t i = 0; i < l->n_sync; i++)
                keep[n++] = l->sync[i];
        for (size_t i = 0; i < l->n_free; i++)
                keep[n++] = l->free[i];
        for (size_t i = 0; i < l->n_trees; i++)
                keep[n++] = l->trees[i];
        if (l->job)
                keep[n++] = l->job_fd;
        keep[n++] = parent;
        qsort(keep, n, sizeof *keep, by_number);
        close_others(keep, n);
}

static _Noreturn void work(const struct later *l, int parent)
{
        char end;

        setsid();
        (void)!chdir("/");
        /* Who closes a file last frees it: let that be this process. */
        (void)!read(parent, &end, 1);
        for (size_t i = 0; i < l->n_free; i++)
                close(l->free[i]);
        for (size_t i = 0; i < l->n_sync; i++) {
                if (fdatasync(l->sync[i]) == 0)
                        fchmod(l->sync[i], FILE_MODE_SYNCED);
        }
        /* Once would do, were all of them made before; it costs nothing where nothing is left. */
        for (size_t i = 0; i < l->n_trees; i++) {
                if (syncfs(l->trees[i]) == 0)
                        unlinkat(l->trees[i], "boot", 0);
        }
        if (l->job)
                l->job(l->job_fd);
        _exit(0);
}

/*
 * A child's child, so that there is nobody to be waited for. The child has given back all that it inherited when the
 * parent goes on: a layer that the parent has pinned is not to stay so for longer. Only system calls after the fork.
 */
static void start(const struct later *l, int parent)
{
        pid_t pid = fork();

        if (pid > 0)
                while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                        continue;
        if (pid != 0)
                return;
        keep_own(l, parent);
        if (fork() != 0)
                _exit(0);
        work(l, parent);
}

static void close_all(struct later *l)
{
        for (size_t i = 0; i < l->n_sync; i++)
                close(l->sync[i]);
        for (size_t i = 0; i < l->n_free; i++)
                close(l->free[i]);
        for (size_t i = 0; i < l->n_trees; i++)
                close(l->trees[i]);
        if (l->job)
                close(l->job_fd);
        l->job = NULL;
        l->n_sync = l->n_free = l->n_trees = 0;
}

void later_go(struct later *l)
{
        int ends[2];

        if (!l->n_sync && !l->n_free && !l->n_trees && !l->job)
                return;
        if (pipe2(ends, O_CLOEXEC) < 0) {
                close_all(l);
                return;
        }
        start(l, ends[0]);
        close_all(l);
        close(ends[0]);
        close(ends[1]);
}
