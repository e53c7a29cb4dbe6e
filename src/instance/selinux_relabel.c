/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/selinux_relabel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

#define ATTRIBUTE "security.selinux"

/* Each level has a descriptor open. */
enum { MAX_DEPTH = 400, PROC_PATH = 32, MAX_LABEL = 256 };

/* Without these labels the host's own services stop. Docker's and podman's list. */
static const char *const refused[] = {
        "/",     "/bin", "/boot",  "/dev",   "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow",
        "/home", "/lib", "/lib64", "/media", "/opt", "/proc",       "/root",    "/run",
        "/sbin", "/srv", "/sys",   "/tmp",   "/usr", "/var",        "/var/lib", "/var/log",
};

static bool is_same(const char *path, const struct stat *st)
{
        struct stat other;

        return path && stat(path, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

/* By what it is, whatever the links and mounts by which it was named. */
static bool is_refused(const struct stat *st)
{
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                if (is_same(refused[i], st))
                        return true;
        }
        return is_same(getenv("HOME"), st);
}

/* fd: O_PATH, of a link too. */
static int set_label(int fd, const char *label)
{
        char path[PROC_PATH];

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        return setxattr(path, ATTRIBUTE, label, strlen(label) + 1, 0) < 0 ? -errno : 0;
}

static bool has_label(int fd, const char *label)
{
        char path[PROC_PATH], has[MAX_LABEL];
        ssize_t n;

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        n = getxattr(path, ATTRIBUTE, has, sizeof has);
        return n == (ssize_t)strlen(label) + 1 && memcmp(has, label, (size_t)n) == 0;
}

static int open_entry(int dir, const char *name)
{
        return fd_openat2(dir, name, O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
}

int selinux_relabel_one(int dir, const char *name, const char *label)
{
        own_fd int fd = open_entry(dir, name);

        return fd < 0 ? fd : set_label(fd, label);
}

static int relabel_content(int taken, const char *label, unsigned depth);

/* For reading, of what was opened by O_PATH. */
static int open_content(int fd)
{
        int r = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return r < 0 ? -errno : r;
}

/* What has gone in the meantime needs no label; what is mounted there has its own. */
static int relabel_entry(int dir, const char *name, const char *label, unsigned depth)
{
        int fd = open_entry(dir, name), r;
        struct stat st;

        if (fd < 0)
                return fd == -ENOENT || fd == -EXDEV ? 0 : fd;
        if (fstat(fd, &st) < 0)
                r = -errno;
        else if (!S_ISDIR(st.st_mode))
                r = set_label(fd, label);
        else
                r = depth < MAX_DEPTH ? open_content(fd) : -ENAMETOOLONG;
        close(fd);
        return r > 0 ? relabel_content(r, label, depth) : r;
}

/* taken: of a directory, which gets the label itself at the end; it is closed. */
static int relabel_content(int taken, const char *label, unsigned depth)
{
        own_dir DIR *dir = fdopendir(taken);
        struct dirent *d;
        int r = dir ? 0 : -errno;

        if (!dir) {
                close(taken);
                return r;
        }
        while (r == 0 && (errno = 0, d = readdir(dir))) {
                if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
                        r = relabel_entry(taken, d->d_name, label, depth + 1);
        }
        if (r == 0 && errno)
                r = -errno;
        return r < 0 ? r : set_label(taken, label);
}

static int relabel(int fd, const char *label, const struct stat *st)
{
        int content;

        if (has_label(fd, label))
                return 0;
        if (!S_ISDIR(st->st_mode))
                return set_label(fd, label);
        content = open_content(fd);
        return content < 0 ? content : relabel_content(content, label, 0);
}

int selinux_relabel(const char *path, const char *label, struct error *err)
{
        own_fd int fd = open(path, O_PATH | O_CLOEXEC);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_errno(err, errno, "open %s", path);
        if (is_refused(&st))
                return error_set(err, EPERM,
                                 "SELinux: %s gets no other label, the host needs the one it has: leave out z and Z",
                                 path);
        r = relabel(fd, label, &st);
        if (r == -ENOTSUP)
                return error_set(err, ENOTSUP, "SELinux: the file system of %s takes no labels", path);
        if (r == -ENAMETOOLONG)
                return error_set(err, ENAMETOOLONG, "SELinux: directories in %s lie over %d deep", path, MAX_DEPTH);
        return r < 0 ? error_errno(err, -r, "SELinux: set the labels of %s", path) : 0;
}
