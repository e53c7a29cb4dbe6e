/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/guest.h"
#include "base/base64.h"
#include "base/own.h"
#include "container/container.h"
#include "sys/fd.h"

#define FILTERS GUEST_RUN "/containers/" CONTAINER_FILTERS

static int write_file(int top, const struct guest_file *f, const void *content, size_t len)
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
        return fd_write_all(fd, content, len);
}

static int open_directory(const char *path, mode_t mode, struct error *err)
{
        int r = fd_mkdir_all(path, mode);

        if (r == 0)
                r = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        else
                errno = -r;
        return r < 0 ? error_errno(err, errno, "open %s", path) : r;
}

static int write_filters(const struct guest_config *c, struct error *err)
{
        own_fd int top = c->n_filters ? open_directory(FILTERS, 0700, err) : -1;

        if (c->n_filters && top < 0)
                return top;
        for (size_t i = 0; i < c->n_filters; i++) {
                own_buf struct buf content = {};
                int r = base64_decode(c->filters[i].content, &content);

                if (r == 0)
                        r = write_file(top, &c->filters[i], content.data, content.len);
                if (r < 0)
                        return error_errno(err, -r, "write filter %s", c->filters[i].path);
        }
        return 0;
}

int guest_write_files(const struct guest_config *c, struct error *err)
{
        own_fd int top = c->n_files ? open_directory(GUEST_FILES, 0755, err) : -1;

        if (c->n_files && top < 0)
                return top;
        for (size_t i = 0; i < c->n_files; i++) {
                const char *content = c->files[i].content;
                int r = write_file(top, &c->files[i], content, strlen(content));

                if (r < 0)
                        return error_errno(err, -r, "write " GUEST_FILES "/%s", c->files[i].path);
        }
        return write_filters(c, err);
}
