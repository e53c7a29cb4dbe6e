/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/payload.h"
#include "container/cgroup/systemd.h"

enum { TIMEOUT_US = 5 * 1000 * 1000, FIRST_WAIT_US = 100, LAST_WAIT_US = 20 * 1000 };
enum { NO_SUBDIRECTORY = 2 }; /* links that a directory has at least */

/*
 * Removes what is in the directory and has nothing below it. 1: *ret_name has something; 0: all is gone; -EBUSY: a
 * process is in the way.
 */
static int remove_children(int dirfd, char ret_name[NAME_MAX + 1])
{
        int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;
        struct stat st;

        if (!dir) {
                if (fd >= 0)
                        close(fd);
                return -EMFILE;
        }
        while ((e = readdir(dir))) {
                if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                if (unlinkat(dirfd, e->d_name, AT_REMOVEDIR) == 0)
                        continue;
                if (fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_nlink <= NO_SUBDIRECTORY)
                        return -EBUSY;
                snprintf(ret_name, NAME_MAX + 1, "%s", e->d_name);
                return 1;
        }
        return 0;
}

/* Lowest first; down by name and up by "..", because a container can nest deeper than we may have descriptors. */
static void remove_below(int dirfd)
{
        own_fd int at = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char name[NAME_MAX + 1];
        size_t depth = 0;

        while (at >= 0) {
                int r = remove_children(at, name), next;

                if (r < 0 || (r == 0 && depth == 0))
                        return;
                next = openat(at, r > 0 ? name : "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                depth = r > 0 ? depth + 1 : depth - 1;
                close(at);
                at = next;
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
                        remove_below(dir);
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

/* Those of v2 first: it is there that a container's processes are all seen, and then the rest is left as it is. */
bool cgroup_remove_empty(struct cgroup *cg)
{
        struct cgroup_hierarchy *v2 = cgroup_v2(cg);
        char path[PATH_MAX];

        if (cg->systemd)
                return false;
        if (v2)
                payload_remove(cg, v2);
        if (v2 && (hierarchy_path(v2, NULL, path) < 0 || rmdir(path) < 0))
                return false;
        for (size_t i = 0; i < cg->n; i++) {
                if (&cg->h[i] != v2 && (hierarchy_path(&cg->h[i], NULL, path) < 0 || rmdir(path) < 0))
                        return false;
        }
        return true;
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
                if (h->payload_fd >= 0)
                        close(take_fd(&h->payload_fd));
                if (q == 0 || q == -ENOENT || (cg->rootless && is_permission_error(q)))
                        continue;
                if (r == 0)
                        r = error_errno(err, -q, "remove cgroup %s%s", h->root, h->path);
        }
        return r;
}
