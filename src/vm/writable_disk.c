/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/writable_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sparse_copy.h"

/* ---- the pattern ---- */

static int run_mke2fs(const char *path, struct error *err)
{
        const char *const argv[] = { "mke2fs", "-q",
                                     "-t",     "ext4",
                                     "-m",     "0",
                                     "-J",     "size=8",
                                     "-O",     "^resize_inode",
                                     "-E",     "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0",
                                     path,     NULL };
        /* Also for who has no /sbin in the path. */
        const char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
        static const char *const places[] = { "/usr/sbin/mke2fs", "/sbin/mke2fs" };
        pid_t pid;
        int r = ENOENT;

        for (size_t i = 0; i < ARRAY_SIZE(places) && r == ENOENT; i++)
                r = posix_spawn(&pid, places[i], NULL, NULL, (char *const *)argv, (char *const *)env);
        if (r == ENOENT)
                return error_set(err, r,
                                 "mke2fs is missing, which makes the disks of virtual machines: install e2fsprogs");
        if (r)
                return error_errno(err, r, "start mke2fs");
        r = process_wait(pid);
        return r ? error_set(err, EIO, "mke2fs failed (%d)", r) : 0;
}

/* Made beside and renamed: whoever comes at the same time makes an equal one. */
static int make_pattern(const char *path, uint64_t size, struct error *err)
{
        own_mem char *part = NULL;
        own_fd int fd = -1;
        int r;

        if (asprintf(&part, "%s.%d", path, (int)getpid()) < 0) {
                part = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
                return error_errno(err, errno, "make %s", part);
        r = run_mke2fs(part, err);
        if (r == 0 && rename(part, path) < 0)
                r = error_errno(err, errno, "make %s", path);
        if (r < 0)
                unlink(part);
        return r;
}

static int open_pattern(const char *root, uint64_t size, struct error *err)
{
        own_mem char *directory = NULL, *path = NULL;
        int fd, r;

        if (asprintf(&directory, "%s/vm/disks", root) < 0)
                directory = NULL;
        if (!directory || asprintf(&path, "%s/ext4-%" PRIu64, directory, size) < 0)
                path = NULL;
        if (!path)
                return error_set(err, ENOMEM, "out of memory");
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 || errno != ENOENT)
                return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
        r = fd_mkdir_all(directory, 0700);
        if (r < 0)
                return error_errno(err, -r, "make %s", directory);
        r = make_pattern(path, size, err);
        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

/* ---- the copy ---- */

int writable_disk_make(const char *root, uint64_t size, int directory, const char *name, struct error *err)
{
        own_fd int pattern = open_pattern(root, size, err), fd = -1;
        int r;

        if (pattern < 0)
                return pattern;
        fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : sparse_copy(pattern, fd, (off_t)size);
        return r < 0 ? error_errno(err, -r, "make the disk of the machine") : 0;
}
