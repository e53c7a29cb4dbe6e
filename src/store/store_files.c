/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Names below ROOT are given and taken only by who has the database's one transaction that
 * changes, and so are exclusive locks: what stands beside a row that such a transaction sees stays. Who only opens a
 * file takes a shared lock and then looks whether the file still has its name.
 *
 * A file is not waited for to reach the disk (store_later.h). Its row has the kernel's boot id of the time when it was
 * added: if that is another one now, and the file's mode does not say that it was synced, then the power may have
 * failed before it was, and the file is taken for none.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "store/store_private.h"

/* What is smaller is freed faster than a process is started for it. */
enum { LARGE_FILE = 8 << 20, PROC_PATH_SIZE = 40 };

#define TEMPORARY "tmp"

void file_path(enum file_kind kind, const struct digest *d, char ret[FILE_PATH_SIZE])
{
        const char *hex = digest_hex(d);

        if (kind == FILE_BLOB)
                snprintf(ret, FILE_PATH_SIZE, "blobs/%.*s/%s", (int)(hex - d->text - 1), d->text, hex);
        else
                snprintf(ret, FILE_PATH_SIZE, "layers/%s%s", hex, kind == FILE_RECIPE ? ".recipe" : "");
}

bool file_digest(const char *name, size_t len, struct digest *ret)
{
        char text[sizeof ret->text];
        int n = snprintf(text, sizeof text, "%s:%.*s", len == 64 ? "sha256" : "sha512", (int)len, name);

        return n > 0 && (size_t)n < sizeof text && digest_parse(text, ret, NULL) == 0;
}

enum file_state file_judge(struct store *s, const struct stat *st, uint64_t size, const char *boot)
{
        if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size != size)
                return FILE_WRONG_SIZE;
        if (st->st_mode & S_IWUSR && strcmp(boot, store_boot(s)) != 0)
                return FILE_UNCERTAIN;
        return FILE_GOOD;
}

enum file_state file_look(struct store *s, const char *path, uint64_t size, const char *boot)
{
        struct stat st;

        if (fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return FILE_ABSENT;
        return file_judge(s, &st, size, boot);
}

const char *file_state_text(enum file_state state)
{
        static const char *const texts[] = {
                [FILE_GOOD] = "is whole",
                [FILE_ABSENT] = "is missing",
                [FILE_WRONG_SIZE] = "has the wrong size",
                [FILE_UNCERTAIN] = "may not have reached the disk when the machine went down",
        };

        return texts[state];
}

int64_t file_size(int fd, struct error *err)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, "look at a new file");
        return S_ISREG(st.st_mode) ? st.st_size : error_set(err, EINVAL, "what shall be stored is no regular file");
}

/* A file of ROOT/tmp, where the file system has no O_TMPFILE: its name below ROOT. */
static int temporary_path(struct store *s, const char *proc, const struct stat *st, char ret[FILE_PATH_SIZE])
{
        char target[4096];
        ssize_t n = readlink(proc, target, sizeof target - 1);
        const char *name;
        struct stat found;

        if (n < 0)
                return -errno;
        target[n] = '\0';
        name = strrchr(target, '/');
        if (!name || snprintf(ret, FILE_PATH_SIZE, TEMPORARY "%s", name) >= FILE_PATH_SIZE)
                return -EXDEV;
        if (fstatat(s->root_fd, ret, &found, AT_SYMLINK_NOFOLLOW) < 0 || found.st_ino != st->st_ino ||
            found.st_dev != st->st_dev)
                return -EXDEV;
        return 0;
}

static int move_temporary(struct store *s, int fd, const char *proc, const struct stat *st, const char *path)
{
        char from[FILE_PATH_SIZE];
        int r = temporary_path(s, proc, st, from);

        if (r < 0)
                return r;
        if (renameat(s->root_fd, from, s->root_fd, path) < 0)
                return -errno;
        /* It has kept the temporary name; the stored file is pinned by who opens it. */
        flock(fd, LOCK_UN);
        return 0;
}

static int give_name(struct store *s, int fd, const char *path)
{
        char proc[PROC_PATH_SIZE];
        struct stat st;

        snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_nlink)
                return move_temporary(s, fd, proc, &st, path);
        return linkat(AT_FDCWD, proc, s->root_fd, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int file_publish(struct store *s, int fd, const char *path, struct error *err)
{
        int64_t old = file_unlink(s, path, err);
        int r;

        if (old < 0)
                return (int)old;
        r = give_name(s, fd, path);
        if (r < 0)
                return error_errno(err, -r, "store %s", path);
        later_sync(&s->later, fd);
        return 0;
}

static int lock(int fd, int operation)
{
        while (flock(fd, operation) < 0)
                if (errno != EINTR)
                        return errno == EWOULDBLOCK ? -EBUSY : -errno;
        return 0;
}

static bool has_name(struct store *s, int fd, const char *path)
{
        struct stat ours, named;

        return fstat(fd, &ours) == 0 && fstatat(s->root_fd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
               ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

int file_lock(struct store *s, const char *path, int operation, struct error *err)
{
        for (;;) {
                own_fd int fd = openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
                int r = fd < 0 ? -errno : lock(fd, operation);

                if (r < 0)
                        return error_errno(err, -r, "%s", path);
                if (has_name(s, fd, path))
                        return take_fd(&fd);
        }
}

int64_t file_unlink(struct store *s, const char *path, struct error *err)
{
        own_fd int fd = -1;
        struct stat st;

        if (fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, "%s", path);
        if (st.st_size >= LARGE_FILE)
                fd = openat(s->root_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (unlinkat(s->root_fd, path, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
                return error_errno(err, errno, "remove %s", path);
        if (fd >= 0)
                later_free(&s->later, take_fd(&fd));
        return st.st_blocks * 512;
}

int file_each(struct store *s, const char *directory,
              int (*each)(struct store *s, const char *directory, const char *name, void *userdata, struct error *err),
              void *userdata, struct error *err)
{
        own_fd int fd = openat(s->root_fd, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        int r = 0;

        if (!dir)
                return errno == ENOENT ? 0 : error_errno(err, errno, "open %s", directory);
        take_fd(&fd);
        while (r == 0) {
                struct dirent *entry;

                errno = 0;
                entry = readdir(dir);
                if (!entry)
                        return errno ? error_errno(err, errno, "read %s", directory) : 0;
                if (entry->d_name[0] != '.')
                        r = each(s, directory, entry->d_name, userdata, err);
        }
        return r;
}

/* With a shared lock, for as long as it is open anywhere: the collector passes it over. */
static int new_named_file(struct store *s, struct error *err)
{
        char path[FILE_PATH_SIZE];
        uint64_t number = 0;

        for (int tries = 0; tries < 100; tries++) {
                own_fd int fd = -1;
                int r;

                if (getentropy(&number, sizeof number) < 0)
                        return error_errno(err, errno, "make a new file");
                snprintf(path, sizeof path, TEMPORARY "/%016llx", (unsigned long long)number);
                fd = openat(s->root_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE_NEW);
                r = fd < 0 ? -errno : lock(fd, LOCK_SH | LOCK_NB);
                if (r < 0 && r != -EEXIST && r != -EBUSY)
                        return error_errno(err, -r, "make a new file in the store %s", s->root);
                /* A collector may have come between. */
                if (r == 0 && has_name(s, fd, path))
                        return take_fd(&fd);
        }
        return error_set(err, EAGAIN, "make a new file in the store %s: too many tries", s->root);
}

int store_new_file(struct store *s, struct error *err)
{
        int fd = openat(s->root_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE_NEW);

        if (fd >= 0)
                return fd;
        /* EISDIR: a kernel that does not know the flag; EINVAL: what some FUSE file systems say. */
        if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
                return new_named_file(s, err);
        return error_errno(err, errno, "make a new file in the store %s", s->root);
}
