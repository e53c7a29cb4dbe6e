/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "sys/fd.h"

enum { DIR_MODE = 0755, MAX_CONTROL_FILE = 1 << 20 };

bool hierarchy_is_v2(const struct cgroup_hierarchy *h)
{
        return h->name[0] == '\0';
}

bool hierarchy_has(const struct cgroup_hierarchy *h, const char *controller)
{
        size_t len = strlen(controller);

        for (const char *p = h->name; p && *p; p = strchr(p, ',')) {
                p += *p == ',';
                if (strncmp(p, controller, len) == 0 && (p[len] == '\0' || p[len] == ','))
                        return true;
        }
        return false;
}

struct cgroup_hierarchy *cgroup_v1(struct cgroup *cg, const char *controller)
{
        for (size_t i = 0; i < cg->n; i++) {
                if (hierarchy_has(&cg->h[i], controller))
                        return &cg->h[i];
        }
        return NULL;
}

struct cgroup_hierarchy *cgroup_v2(struct cgroup *cg)
{
        for (size_t i = 0; i < cg->n; i++) {
                if (hierarchy_is_v2(&cg->h[i]))
                        return &cg->h[i];
        }
        return NULL;
}

int hierarchy_path(const struct cgroup_hierarchy *h, const char *file, char ret[PATH_MAX])
{
        int n;

        if (!h->path)
                return -ENOENT;
        n = snprintf(ret, PATH_MAX, "%s%s%s%s", h->root, h->path, file ? "/" : "", file ? file : "");
        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int hierarchy_open_file(const struct cgroup_hierarchy *h, const char *file, int flags)
{
        char path[PATH_MAX];
        int fd, r;

        if (h->fd >= 0) {
                fd = openat(h->fd, file, flags | O_CLOEXEC);
                return fd < 0 ? -errno : fd;
        }
        r = hierarchy_path(h, file, path);
        if (r < 0)
                return r;
        fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int hierarchy_open(struct cgroup_hierarchy *h)
{
        char path[PATH_MAX];
        int r;

        if (h->fd >= 0)
                return 0;
        r = hierarchy_path(h, NULL, path);
        if (r < 0)
                return r;
        r = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r < 0)
                return -errno;
        h->fd = r;
        return 0;
}

int hierarchy_mkdir(int dirfd, const char *path)
{
        int r;

        if (mkdirat(dirfd, path, DIR_MODE) < 0)
                return -errno;
        r = fchmodat(dirfd, path, DIR_MODE, 0) < 0 ? -errno : 0;
        if (r < 0)
                unlinkat(dirfd, path, AT_REMOVEDIR);
        return r;
}

int hierarchy_write(const struct cgroup_hierarchy *h, const char *file, const char *value)
{
        own_fd int fd = hierarchy_open_file(h, file, O_WRONLY);
        ssize_t n;

        if (fd < 0)
                return fd;
        do
                n = write(fd, value, strlen(value));
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

ssize_t hierarchy_read(const struct cgroup_hierarchy *h, const char *file, char *data, size_t size)
{
        own_fd int fd = hierarchy_open_file(h, file, O_RDONLY);
        ssize_t n;

        if (fd < 0)
                return fd;
        do
                n = read(fd, data, size - 1);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n && data[n - 1] == '\n')
                n--;
        data[n] = '\0';
        return n;
}

int hierarchy_read_all(const struct cgroup_hierarchy *h, const char *file, struct buf *ret)
{
        own_fd int fd = hierarchy_open_file(h, file, O_RDONLY);

        return fd < 0 ? fd : fd_read_all(fd, MAX_CONTROL_FILE, ret);
}

int hierarchy_read_u64(const struct cgroup_hierarchy *h, const char *file, uint64_t *ret)
{
        char text[64];
        ssize_t n = hierarchy_read(h, file, text, sizeof text);

        if (n < 0)
                return (int)n;
        if (strcmp(text, "max") == 0 || text[0] == '-') {
                *ret = UINT64_MAX;
                return 0;
        }
        return parse_u64(text, 10, ret);
}

int hierarchy_read_key(const struct cgroup_hierarchy *h, const char *file, const char *key, uint64_t *ret)
{
        char text[1024], *rest = text, *line;
        ssize_t n = hierarchy_read(h, file, text, sizeof text);
        size_t len = strlen(key);

        if (n < 0)
                return (int)n;
        while ((line = strsep(&rest, "\n"))) {
                if (strncmp(line, key, len) == 0 && line[len] == ' ')
                        return parse_u64(line + len + 1, 10, ret);
        }
        return -ENODATA;
}

bool is_permission_error(int r)
{
        return r == -EPERM || r == -EACCES || r == -EROFS;
}
