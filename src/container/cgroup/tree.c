/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container that may write its cgroups nests them as deep as it likes: deeper than there are descriptors for a
 * recursion. So the way down is by name and the way up by "..", and the names that are still to be visited are kept.
 */
#include "container/cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

struct pending {
        struct pending *next;
        size_t depth;
        char name[];
};

static int push(struct pending **list, const char *name, size_t depth)
{
        size_t len = strlen(name) + 1;
        struct pending *p = malloc(sizeof *p + len);

        if (!p)
                return -ENOMEM;
        p->next = *list;
        p->depth = depth;
        memcpy(p->name, name, len);
        *list = p;
        return 0;
}

static struct pending *pop(struct pending **list)
{
        struct pending *p = *list;

        *list = p->next;
        return p;
}

static int push_children(struct pending **list, int dirfd, size_t depth)
{
        int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = fd < 0 ? -errno : 0;
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;

        if (fd >= 0 && !dir) {
                close(fd);
                return -ENOMEM;
        }
        while (r == 0 && dir && (e = readdir(dir))) {
                /* Names of cgroups may begin with a dot too. */
                if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                        r = push(list, e->d_name, depth);
        }
        return r == -ENOENT ? 0 : r;
}

/* Where the way has led to: the first directory is the caller's. */
struct place {
        int fd, first;
};

static int place_fd(const struct place *at)
{
        return at->fd >= 0 ? at->fd : at->first;
}

static int place_step(struct place *at, const char *name)
{
        int next = openat(place_fd(at), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (next < 0)
                return -errno;
        if (at->fd >= 0)
                close(at->fd);
        at->fd = next;
        return 0;
}

int cgroup_tree_visit(int dirfd, int (*visit)(int dirfd, void *userdata), void *userdata)
{
        struct place at = { .fd = -1, .first = dirfd };
        struct pending *list = NULL;
        size_t depth = 0;
        int r = visit(dirfd, userdata);

        if (r == 0)
                r = push_children(&list, dirfd, 1);
        while (list) {
                own_mem struct pending *p = pop(&list);

                for (; r == 0 && depth >= p->depth; depth--)
                        r = place_step(&at, "..");
                /* Or it is gone meanwhile, with all below it. */
                if (r != 0 || place_step(&at, p->name) < 0)
                        continue;
                depth++;
                r = visit(at.fd, userdata);
                if (r == 0)
                        r = push_children(&list, at.fd, depth + 1);
        }
        if (at.fd >= 0)
                close(at.fd);
        return r;
}
