/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/copy_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/own.h"

enum { MAX_DEPTH = 64 };

static int copy_content(int from, int to)
{
        ssize_t n;

        do
                n = sendfile(to, from, NULL, 1 << 20);
        while (n > 0 || (n < 0 && errno == EINTR));
        return n < 0 ? -errno : 0;
}

static int copy_xattrs(int from, int to)
{
        char names[4096], value[4096];
        ssize_t len = flistxattr(from, names, sizeof names), n;

        if (len < 0)
                return errno == ENOTSUP ? 0 : -errno;
        for (const char *p = names; p < names + len; p += strlen(p) + 1) {
                n = fgetxattr(from, p, value, sizeof value);
                if (n < 0)
                        return -errno;
                if (fsetxattr(to, p, value, (size_t)n, 0) < 0 && errno != ENOTSUP && errno != EPERM)
                        return -errno;
        }
        return 0;
}

static int copy_owner_and_times(int dir, const char *name, const struct stat *st)
{
        const struct timespec times[] = { st->st_atim, st->st_mtim };

        if (fchownat(dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISLNK(st->st_mode) && fchmodat(dir, name, st->st_mode & 07777, 0) < 0)
                return -errno;
        return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_file(int from_dir, int to_dir, const char *name)
{
        /* It was a regular file a moment ago: by now it may be a pipe. */
        own_fd int from = openat(from_dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC), to = -1;
        int r;

        if (from < 0)
                return -errno;
        to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
                return -errno;
        r = copy_content(from, to);
        return r < 0 ? r : copy_xattrs(from, to);
}

static int copy_link(int from_dir, int to_dir, const char *name)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(from_dir, name, target, sizeof target - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        return symlinkat(target, to_dir, name) < 0 ? -errno : 0;
}

static int copy_dir(int from, int to, dev_t device, int depth);

static int copy_subdir(int from_dir, int to_dir, const char *name, dev_t device, int depth)
{
        own_fd int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), to = -1;
        int r;

        if (from < 0 || mkdirat(to_dir, name, 0700) < 0)
                return -errno;
        to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (to < 0)
                return -errno;
        r = copy_dir(from, to, device, depth + 1);
        return r < 0 ? r : copy_xattrs(from, to);
}

static int copy_entry(int from, int to, const char *name, dev_t device, int depth)
{
        struct stat st;
        int r;

        if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (st.st_dev != device && S_ISDIR(st.st_mode))
                return 0;
        if (S_ISREG(st.st_mode))
                r = copy_file(from, to, name);
        else if (S_ISDIR(st.st_mode))
                r = copy_subdir(from, to, name, device, depth);
        else if (S_ISLNK(st.st_mode))
                r = copy_link(from, to, name);
        else
                r = mknodat(to, name, st.st_mode, st.st_rdev) < 0 ? -errno : 0;
        return r < 0 ? r : copy_owner_and_times(to, name, &st);
}

static int copy_dir(int from, int to, dev_t device, int depth)
{
        own_dir DIR *dir = NULL;
        struct dirent *e;
        int fd, r;

        if (depth > MAX_DEPTH)
                return -ELOOP;
        fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -errno;
        }
        while ((errno = 0, e = readdir(dir))) {
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                r = copy_entry(from, to, e->d_name, device, depth);
                if (r < 0)
                        return r;
        }
        return -errno;
}

int copy_tree(int from, int to)
{
        struct stat st;

        if (fstat(from, &st) < 0)
                return -errno;
        return copy_dir(from, to, st.st_dev, 0);
}
