/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare_scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

static void sweep(const char *parent, compare_left_behind *left, void *userdata)
{
        own_dir DIR *dir = opendir(parent);
        const struct dirent *d;

        while (dir && (d = readdir(dir))) {
                own_fd int fd = -1;

                if (*d->d_name == '.')
                        continue;
                fd = openat(dirfd(dir), d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
                        continue;
                left(userdata, d->d_name);
                fd_remove_tree_at(dirfd(dir), d->d_name);
        }
}

/* One that was made by now but is not locked yet may be swept away by another: then once more. */
static int make(const char *parent, struct compare_scratch *ret)
{
        own_mem char *path = NULL;
        own_fd int fd = -1;

        if (asprintf(&path, "%s/%d.XXXXXX", parent, (int)getpid()) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (!mkdtemp(path))
                return -errno;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || access(path, F_OK) < 0)
                return -EAGAIN;
        ret->path = take_ptr(path);
        ret->lock = take_fd(&fd);
        return 0;
}

int compare_scratch_make(const char *root, compare_left_behind *left, void *userdata, struct compare_scratch *ret,
                         struct error *err)
{
        own_mem char *parent = NULL;
        int r;

        if (asprintf(&parent, "%s/compare", root) < 0) {
                parent = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        r = fd_mkdir_all(parent, 0700);
        if (r < 0)
                return error_errno(err, -r, "make %s", parent);
        sweep(parent, left, userdata);
        for (int tries = 10; tries > 0 && (r = make(parent, ret)) == -EAGAIN; tries--)
                ;
        return r < 0 ? error_errno(err, -r, "make a directory in %s", parent) : 0;
}

const char *compare_scratch_name(const struct compare_scratch *s)
{
        return strrchr(s->path, '/') + 1;
}

void compare_scratch_remove(struct compare_scratch *s)
{
        if (s->path)
                fd_remove_tree_at(-1, s->path);
        free(s->path);
        if (s->lock >= 0)
                close(s->lock);
        *s = (struct compare_scratch)COMPARE_SCRATCH_NONE;
}
