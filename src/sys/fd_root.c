/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating paths inside a root that we do not trust.
 *
 * Every step is one openat2(RESOLVE_IN_ROOT) of the prefix that is to exist; what is
 * missing is made by mkdirat() with a bare name in the directory that was opened one
 * step before, so a link that somebody swaps in can only lead to another place inside
 * the root (runc CVE-2021-30465, CVE-2024-45310 came from walking path strings).
 */
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"

enum { MAX_LINKS = 40 };

int fd_open_in_root(int rootfd, const char *path, uint64_t flags)
{
        return fd_openat2(rootfd, *path ? path : ".", flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* The text of the dangling link dirfd/name, joined to the prefix it stands in. */
static int follow_dangling(int dirfd, const char *prefix, const char *name, char target[PATH_MAX])
{
        char link[PATH_MAX];
        ssize_t n = readlinkat(dirfd, name, link, sizeof link - 1);
        int len;

        target[0] = '\0';
        if (n < 0)
                return -errno;
        link[n] = '\0';
        if (link[0] == '/')
                len = snprintf(target, PATH_MAX, "%s", link);
        else
                len = snprintf(target, PATH_MAX, "%s/%s", prefix, link);
        return len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int make_dir(int rootfd, const char *path, mode_t mode, int links);

/* Opens or makes the directory `name` in parentfd; full is its path from the root, prefix that of the parent. */
static int make_component(int rootfd, int parentfd, const char *prefix, const char *name, const char *full, mode_t mode,
                          int links)
{
        char target[PATH_MAX];
        int fd, r;

        if (mkdirat(parentfd, name, mode) == 0 || errno == EEXIST) {
                fd = fd_open_in_root(rootfd, full, O_PATH | O_DIRECTORY);
                if (fd != -ENOENT)
                        return fd;
                if (links >= MAX_LINKS)
                        return -ELOOP;
                r = follow_dangling(parentfd, prefix, name, target);
                return r < 0 ? r : make_dir(rootfd, target, mode, links + 1);
        }
        return -errno;
}

/* The usual cases in few calls: all of it is there, or all but the last component. -ENOENT: more is missing. */
static int make_last(int rootfd, const char *path, mode_t mode, int links)
{
        size_t len = strlen(path), base;
        char full[PATH_MAX], prefix[PATH_MAX];
        own_fd int parent = -1;
        int fd;

        fd = fd_open_in_root(rootfd, path, O_PATH | O_DIRECTORY);
        if (fd != -ENOENT)
                return fd;
        while (len && path[len - 1] == '/')
                len--;
        for (base = len; base && path[base - 1] != '/'; base--)
                ;
        if (!base || len >= sizeof full || len - base > NAME_MAX)
                return -ENOENT;
        memcpy(full, path, len);
        full[len] = '\0';
        memcpy(prefix, path, base);
        prefix[base] = '\0';
        if (strcmp(full + base, "..") == 0 || strcmp(full + base, ".") == 0)
                return -ENOENT;
        parent = fd_open_in_root(rootfd, prefix, O_PATH | O_DIRECTORY);
        return parent < 0 ? parent : make_component(rootfd, parent, prefix, full + base, full, mode, links);
}

static int make_dir(int rootfd, const char *path, mode_t mode, int links)
{
        char prefix[PATH_MAX] = "", full[PATH_MAX] = "";
        own_fd int dir = -1;
        size_t len = 0;
        int fd;

        fd = make_last(rootfd, path, mode, links);
        if (fd != -ENOENT)
                return fd;
        dir = fd_open_in_root(rootfd, ".", O_PATH | O_DIRECTORY);
        if (dir < 0)
                return dir;
        for (const char *p = path;;) {
                char name[NAME_MAX + 1];
                size_t n;

                p += strspn(p, "/");
                n = strcspn(p, "/");
                if (!n)
                        return take_fd(&dir);
                if (n > NAME_MAX || len + n + 2 > PATH_MAX)
                        return -ENAMETOOLONG;
                memcpy(name, p, n);
                name[n] = '\0';
                memcpy(prefix, full, len + 1);
                full[len++] = '/';
                memcpy(full + len, name, n + 1);
                len += n;
                p += n;
                /* Intermediate directories get the usual mode, only the last one the caller's. */
                fd = make_component(rootfd, dir, prefix, name, full, p[strspn(p, "/")] ? 0755 : mode, links);
                if (fd < 0)
                        return fd;
                close(dir);
                dir = fd;
        }
}

int fd_mkdir_in_root(int rootfd, const char *path, mode_t mode)
{
        return make_dir(rootfd, path, mode, 0);
}

static int make_file(int rootfd, const char *path, mode_t mode, int links)
{
        char parent[PATH_MAX], target[PATH_MAX];
        own_fd int dir = -1;
        const char *base;
        size_t len;
        int fd, r;

        fd = fd_open_in_root(rootfd, path, O_PATH);
        if (fd != -ENOENT)
                return fd;
        base = strrchr(path, '/');
        base = base ? base + 1 : path;
        len = (size_t)(base - path);
        if (len >= sizeof parent)
                return -ENAMETOOLONG;
        memcpy(parent, path, len);
        parent[len] = '\0';
        dir = make_dir(rootfd, parent, 0755, links);
        if (dir < 0)
                return dir;
        fd = openat(dir, base, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode);
        if (fd >= 0)
                close(fd);
        else if (errno != EEXIST)
                return -errno;
        fd = fd_open_in_root(rootfd, path, O_PATH);
        if (fd != -ENOENT)
                return fd;
        if (links >= MAX_LINKS)
                return -ELOOP;
        r = follow_dangling(dir, parent, base, target);
        return r < 0 ? r : make_file(rootfd, target, mode, links + 1);
}

int fd_create_in_root(int rootfd, const char *path, mode_t mode)
{
        return make_file(rootfd, path, mode, 0);
}
