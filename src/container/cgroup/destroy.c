/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/systemd.h"

enum { TIMEOUT_US = 5 * 1000 * 1000, FIRST_WAIT_US = 100, LAST_WAIT_US = 20 * 1000, MAX_DEPTH = 256 };

/* Removes what is below the directory, lowest first. */
static void remove_below(int dirfd, int depth)
{
        own_dir DIR *dir = NULL;
        struct dirent *e;
        int fd = dup(dirfd);

        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                if (fd >= 0)
                        close(fd);
                return;
        }
        while ((e = readdir(dir))) {
                if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                if (unlinkat(dirfd, e->d_name, AT_REMOVEDIR) < 0 && depth < MAX_DEPTH) {
                        own_fd int sub = openat(dirfd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                        if (sub >= 0)
                                remove_below(sub, depth + 1);
                        unlinkat(dirfd, e->d_name, AT_REMOVEDIR);
                }
        }
}

/*
 * The usual case is one rmdir that succeeds. EBUSY comes of cgroups below, which the container made, and
 * of processes that are dead but not yet out.
 */
static int remove_one(const struct cgroup_hierarchy *h)
{
        unsigned wait = FIRST_WAIT_US, waited = 0;
        char path[PATH_MAX];
        int r = hierarchy_path(h, NULL, path);

        if (r < 0)
                return r;
        while ((r = rmdir(path) < 0 ? -errno : 0) == -EBUSY && waited < TIMEOUT_US) {
                own_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                if (dir >= 0)
                        remove_below(dir, 0);
                if (rmdir(path) == 0)
                        return 0;
                nanosleep(&(struct timespec){ .tv_nsec = wait * 1000L }, NULL);
                waited += wait;
                wait = wait * 2 > LAST_WAIT_US ? LAST_WAIT_US : wait * 2;
        }
        return r;
}

void cgroup_give_back(struct cgroup *cg)
{
        for (size_t i = 0; i < cg->n; i++) {
                if (cg->h[i].fresh)
                        (void)remove_one(&cg->h[i]);
        }
}

int cgroup_destroy(struct cgroup *cg, struct error *err)
{
        int r = cg->systemd ? systemd_stop(cg, err) : 0;

        for (size_t i = 0; i < cg->n; i++) {
                struct cgroup_hierarchy *h = &cg->h[i];
                int q = remove_one(h);

                if (h->fd >= 0)
                        close(take_fd(&h->fd));
                if (h->tasks_fd >= 0)
                        close(take_fd(&h->tasks_fd));
                if (q == 0 || q == -ENOENT || (cg->rootless && is_permission_error(q)))
                        continue;
                if (r == 0)
                        r = error_errno(err, -q, "remove cgroup %s%s", h->root, h->path);
        }
        return r;
}
