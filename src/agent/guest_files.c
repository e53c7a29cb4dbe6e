/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/guest.h"
#include "base/own.h"
#include "sys/fd.h"

static int write_file(int top, const struct guest_file *f)
{
        const char *slash = strrchr(f->path, '/');
        own_mem char *directory = slash ? strndup(f->path, (size_t)(slash - f->path)) : NULL;
        own_fd int dir = -1, fd = -1;

        if (slash && !directory)
                return -ENOMEM;
        dir = slash ? fd_mkdir_in_root(top, directory, 0755) : fcntl(top, F_DUPFD_CLOEXEC, 0);
        if (dir < 0)
                return slash ? dir : -errno;
        fd = openat(dir, slash ? slash + 1 : f->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || fchmod(fd, f->mode & 07777) < 0)
                return -errno;
        return fd_write_all(fd, f->content, strlen(f->content));
}

int guest_write_files(const struct guest_config *c, struct error *err)
{
        own_fd int top = -1;

        if (!c->n_files)
                return 0;
        if (mkdir(GUEST_FILES, 0755) < 0 && errno != EEXIST)
                return error_errno(err, errno, "make " GUEST_FILES);
        top = open(GUEST_FILES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
                return error_errno(err, errno, "open " GUEST_FILES);
        for (size_t i = 0; i < c->n_files; i++) {
                int r = write_file(top, &c->files[i]);

                if (r < 0)
                        return error_errno(err, -r, "write " GUEST_FILES "/%s", c->files[i].path);
        }
        return 0;
}
