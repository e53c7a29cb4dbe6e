/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar_extract.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/grow.h"
#include "base/own.h"
#include "sys/fd.h"

enum { TEMPORARY_SIZE = 32, PROC_PATH_SIZE = 40 };

/* A directory whose time is set when nothing is put into it any more. */
struct dated {
        char *path;
        struct timespec mtime;
};

struct extract {
        const struct tar_extract_options *o;
        struct tar_reader *tar;
        char parent_path[PATH_MAX]; /* of parent, as it was asked for */
        int parent;                 /* of the last entry; -1 */
        int base;                   /* for strangers' entries; -1 */
        struct dated *dated;
        size_t n_dated, dated_cap;
        unsigned temporaries;
};

/* Where an entry goes. */
struct target {
        int dir; /* the extract's */
        char name[NAME_MAX + 1];
        struct stat st; /* of what is there */
        bool exists;
        char temporary[TEMPORARY_SIZE]; /* made first, where something is there */
};

/* ---- names ---- */

/* Without dots and slashes that say nothing; ".." is refused. */
static int clean(const char *path, char ret[PATH_MAX], struct error *err)
{
        size_t len = 0;

        for (const char *p = path; *p;) {
                size_t n = strcspn(p, "/");

                if (n == 2 && memcmp(p, "..", 2) == 0)
                        return error_set(err, EINVAL, "%s: a path with \"..\" is not taken", path);
                if (n > 0 && !(n == 1 && *p == '.')) {
                        if (len + n + 2 > PATH_MAX)
                                return error_set(err, ENAMETOOLONG, "%.80s...: the path is too long", path);
                        if (len)
                                ret[len++] = '/';
                        memcpy(ret + len, p, n);
                        len += n;
                }
                p += n + (p[n] == '/');
        }
        ret[len] = '\0';
        return 0;
}

/* It is, or is in, what a stranger was asked for. */
static bool may_have_name(const struct extract *x, const char *path)
{
        size_t n = x->o->only ? strlen(x->o->only) : 0;

        return n == 0 || (strncmp(path, x->o->only, n) == 0 && (!path[n] || path[n] == '/'));
}

static int resolved(const struct extract *x, const char *path, char ret[PATH_MAX])
{
        return snprintf(ret, PATH_MAX, "%s/%s", x->o->base, path) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* A stranger's archive has every directory in it, before what is in that. */
static int open_directory(const struct extract *x, const char *path, uint64_t flags)
{
        char full[PATH_MAX];

        if (x->o->only)
                return fd_openat2(x->base, *path ? path : ".", flags | O_DIRECTORY, 0,
                                  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        return resolved(x, path, full) < 0 ? -ENAMETOOLONG : fd_open_in_root(x->o->root, full, flags | O_DIRECTORY);
}

static int make_directory(const struct extract *x, const char *path)
{
        char full[PATH_MAX];

        if (!*path || x->o->only)
                return open_directory(x, path, O_PATH);
        return resolved(x, path, full) < 0 ? -ENAMETOOLONG : fd_mkdir_in_root(x->o->root, full, 0755);
}

/* The directory of a clean path, made if it is missing; its last component. */
static int open_parent(struct extract *x, const char *path, const char **ret_name, struct error *err)
{
        const char *slash = strrchr(path, '/');
        char parent[PATH_MAX];
        int fd;

        *ret_name = slash ? slash + 1 : path;
        snprintf(parent, sizeof parent, "%.*s", (int)(slash ? slash - path : 0), path);
        if (x->parent >= 0 && strcmp(parent, x->parent_path) == 0)
                return x->parent;
        fd = make_directory(x, parent);
        if (fd < 0)
                return error_errno(err, -fd, "%s", *parent ? parent : x->o->base);
        if (x->parent >= 0)
                close(x->parent);
        x->parent = fd;
        memcpy(x->parent_path, parent, strlen(parent) + 1);
        return fd;
}

static int find_target(struct extract *x, const struct tar_entry *e, const char *path, struct target *ret,
                       struct error *err)
{
        const char *name;
        int dir = open_parent(x, path, &name, err);
        size_t len;

        if (dir < 0)
                return dir;
        len = strlen(name);
        if (len > NAME_MAX)
                return error_set(err, ENAMETOOLONG, "%.80s...: the name is too long", name);
        *ret = (struct target){ .dir = dir };
        memcpy(ret->name, name, len + 1);
        ret->exists = fstatat(dir, name, &ret->st, AT_SYMLINK_NOFOLLOW) == 0;
        if (!ret->exists)
                return errno == ENOENT ? 0 : error_errno(err, errno, "%s", path);
        if (S_ISDIR(ret->st.st_mode) && e->type != TAR_DIRECTORY)
                return error_set(err, EISDIR, "cannot overwrite directory \"%s\" with non-directory", path);
        if (!S_ISDIR(ret->st.st_mode) && e->type == TAR_DIRECTORY)
                return error_set(err, ENOTDIR, "cannot overwrite non-directory \"%s\" with directory", path);
        snprintf(ret->temporary, sizeof ret->temporary, ".holt-%d-%u", (int)getpid(), x->temporaries++);
        return 0;
}

static const char *first_name(const struct target *t)
{
        return t->exists ? t->temporary : t->name;
}

/* Gives it the name of what was there. Two names of one file are left as they are by rename(). */
static int replace(const struct target *t)
{
        int r = 0;

        if (!t->exists)
                return 0;
        if (renameat(t->dir, t->temporary, t->dir, t->name) < 0)
                r = -errno;
        (void)unlinkat(t->dir, t->temporary, 0);
        return r;
}

/* ---- attributes ---- */

static bool may_pass(const struct extract *x, int code)
{
        return code == ENOTSUP || (x->o->lenient && (code == EPERM || code == EINVAL || code == EOVERFLOW));
}

static uint32_t uid_of(const struct extract *x, const struct tar_entry *e)
{
        return x->o->chown ? x->o->uid : e->uid;
}

static uint32_t gid_of(const struct extract *x, const struct tar_entry *e)
{
        return x->o->chown ? x->o->gid : e->gid;
}

static struct timespec time_of(const struct tar_entry *e)
{
        return (struct timespec){ .tv_sec = e->mtime, .tv_nsec = e->mtime_nsec };
}

static int set_xattrs(const struct extract *x, int fd, const struct tar_entry *e)
{
        for (size_t i = 0; i < e->n_xattrs; i++) {
                const struct tar_xattr *a = &e->xattrs[i];

                if (x->o->plain && strncmp(a->name, "user.", strlen("user.")) != 0)
                        continue;
                if (fsetxattr(fd, a->name, a->value, a->len, 0) < 0 && !may_pass(x, errno))
                        return -errno;
        }
        return 0;
}

/* The owner first: a change of it takes setuid and capabilities away. */
static int set_attributes(const struct extract *x, int fd, const struct tar_entry *e)
{
        if (fchown(fd, uid_of(x, e), gid_of(x, e)) < 0 && !may_pass(x, errno))
                return -errno;
        if (fchmod(fd, x->o->plain ? e->mode & ~(uint32_t)(S_ISUID | S_ISGID) : e->mode) < 0)
                return -errno;
        return set_xattrs(x, fd, e);
}

static int set_times(int dir, const char *name, const struct tar_entry *e)
{
        const struct timespec times[] = { { .tv_nsec = UTIME_NOW }, time_of(e) };

        return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* ---- files ---- */

static int write_at(int fd, const char *data, size_t n, uint64_t offset)
{
        while (n) {
                ssize_t done = pwrite(fd, data, n, (off_t)offset);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done < 0)
                        return -errno;
                data += done;
                n -= (size_t)done;
                offset += (uint64_t)done;
        }
        return 0;
}

static int write_data(struct extract *x, int fd, const struct tar_entry *e, struct error *err)
{
        const struct tar_extent all = { 0, e->size }, *extent = e->sparse ? e->extents : &all;
        const struct tar_extent *end = extent + (e->sparse ? e->n_extents : 1);
        uint64_t at = 0; /* in the extent */
        const void *data;
        ssize_t n;

        while ((n = tar_reader_data(x->tar, &data, err)) > 0) {
                const char *p = data;

                for (size_t left = (size_t)n; left;) {
                        size_t k;
                        int r;

                        while (extent < end && at == extent->len) {
                                extent++;
                                at = 0;
                        }
                        if (extent == end)
                                return error_set(err, EBADMSG, "%s: more data than its map has", e->path);
                        k = extent->len - at < left ? (size_t)(extent->len - at) : left;
                        r = write_at(fd, p, k, extent->offset + at);
                        if (r < 0)
                                return error_errno(err, -r, "write %s", e->path);
                        p += k;
                        left -= k;
                        at += k;
                }
        }
        if (n < 0)
                return (int)n;
        return ftruncate(fd, (off_t)(e->sparse ? e->sparse_size : e->size)) < 0 ? error_errno(err, errno, "%s", e->path)
                                                                                : 0;
}

/* What is mounted on a file (/etc/hosts) cannot be replaced: it is written to. It is opened by the descriptor of what
 * was looked at, which is a regular file. */
static int overwrite(const struct target *t)
{
        own_fd int from = openat(t->dir, t->temporary, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to = -1;
        own_fd int path = openat(t->dir, t->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char proc[PROC_PATH_SIZE];
        struct stat st;
        ssize_t n;

        if (from < 0 || path < 0 || fstat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBUSY;
        snprintf(proc, sizeof proc, "/proc/self/fd/%d", path);
        to = open(proc, O_WRONLY | O_TRUNC | O_CLOEXEC);
        if (to < 0)
                return -errno;
        do
                n = sendfile(to, from, NULL, 1 << 20);
        while (n > 0 || (n < 0 && errno == EINTR));
        return n < 0 ? -errno : 0;
}

/* From the temporary name to its own. */
static int settle_file(const struct target *t)
{
        int r;

        if (!t->exists)
                return 0;
        if (renameat(t->dir, t->temporary, t->dir, t->name) == 0)
                return 0;
        r = errno == EBUSY ? overwrite(t) : -errno;
        (void)unlinkat(t->dir, t->temporary, 0);
        return r;
}

static int extract_file(struct extract *x, const struct tar_entry *e, const struct target *t, struct error *err)
{
        const char *name = first_name(t);
        own_fd int fd = openat(t->dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        const struct timespec times[] = { { .tv_nsec = UTIME_NOW }, time_of(e) };
        int r;

        if (fd < 0)
                return error_errno(err, errno, "make %s", e->path);
        r = write_data(x, fd, e, err);
        if (r == 0) {
                r = set_attributes(x, fd, e);
                if (r == 0 && futimens(fd, times) < 0)
                        r = -errno;
                if (r == 0)
                        r = settle_file(t);
                if (r < 0)
                        error_errno(err, -r, "%s", e->path);
        }
        if (r < 0)
                (void)unlinkat(t->dir, name, 0);
        return r;
}

/* ---- others ---- */

static int extract_symlink(struct extract *x, const struct tar_entry *e, const struct target *t)
{
        const char *name = first_name(t);
        int r = 0;

        if (symlinkat(e->link, t->dir, name) < 0)
                return -errno;
        if (fchownat(t->dir, name, uid_of(x, e), gid_of(x, e), AT_SYMLINK_NOFOLLOW) < 0 && !may_pass(x, errno))
                r = -errno;
        if (r == 0)
                r = set_times(t->dir, name, e);
        return r < 0 ? r : replace(t);
}

/* By its descriptor: in a directory of others' the name may be something else by now. */
static int set_node_attributes(const struct extract *x, const struct target *t, const char *name,
                               const struct tar_entry *e)
{
        own_fd int fd = openat(t->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char proc[PROC_PATH_SIZE];
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode) && !S_ISFIFO(st.st_mode))
                return -ESTALE;
        snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
        if (fchownat(fd, "", uid_of(x, e), gid_of(x, e), AT_EMPTY_PATH) < 0 && !may_pass(x, errno))
                return -errno;
        return chmod(proc, e->mode) < 0 ? -errno : 0;
}

static int extract_node(struct extract *x, const struct tar_entry *e, const struct target *t)
{
        mode_t type = e->type == TAR_CHARACTER ? S_IFCHR : e->type == TAR_BLOCK_DEVICE ? S_IFBLK : S_IFIFO;
        const char *name = first_name(t);
        int r;

        if (mknodat(t->dir, name, type | 0600, makedev(e->major, e->minor)) < 0)
                return may_pass(x, errno) ? 0 : -errno;
        r = set_node_attributes(x, t, name, e);
        if (r == 0)
                r = set_times(t->dir, name, e);
        return r < 0 ? r : replace(t);
}

static int extract_hard_link(struct extract *x, const struct tar_entry *e, const struct target *t)
{
        own_fd int dir = -1;
        char path[PATH_MAX], *slash;
        int r = clean(e->link, path, NULL);

        if (r == 0 && !may_have_name(x, path))
                r = -EPERM;
        if (r < 0)
                return r;
        slash = strrchr(path, '/');
        if (slash)
                *slash = '\0';
        dir = open_directory(x, slash ? path : "", O_PATH);
        if (dir < 0)
                return dir;
        if (linkat(dir, slash ? slash + 1 : path, t->dir, first_name(t), 0) < 0)
                return -errno;
        return replace(t);
}

/* ---- directories ---- */

static int keep_time(struct extract *x, const char *path, const struct tar_entry *e)
{
        struct dated d = { strdup(path), time_of(e) };

        if (!d.path || array_grow(&x->dated, &x->dated_cap, x->n_dated + 1, sizeof *x->dated) < 0) {
                free(d.path);
                return -ENOMEM;
        }
        x->dated[x->n_dated++] = d;
        return 0;
}

static int extract_directory(struct extract *x, const struct tar_entry *e, const char *path, const struct target *t)
{
        own_fd int fd = -1;
        int r;

        if (!t->exists && mkdirat(t->dir, t->name, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(t->dir, t->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = set_attributes(x, fd, e);
        return r < 0 ? r : keep_time(x, path, e);
}

static int extract_base(struct extract *x, const struct tar_entry *e, struct error *err)
{
        own_fd int fd = -1;
        int r;

        if (e->type != TAR_DIRECTORY)
                return error_set(err, ENOTDIR, "%s: only a directory can have this name", e->path);
        if (!x->o->root_attributes)
                return 0;
        fd = fd_open_in_root(x->o->root, x->o->base, O_RDONLY | O_DIRECTORY);
        r = fd < 0 ? fd : set_attributes(x, fd, e);
        if (r == 0)
                r = keep_time(x, "", e);
        return r < 0 ? error_errno(err, -r, "%s", x->o->base) : 0;
}

/* The innermost last, so that nothing is undone. Time is no reason to fail. */
static void set_dates(struct extract *x)
{
        for (size_t i = x->n_dated; i-- > 0;) {
                const struct dated *d = &x->dated[i];
                const struct timespec times[] = { { .tv_nsec = UTIME_NOW }, d->mtime };
                own_fd int fd = open_directory(x, d->path, O_RDONLY);

                if (fd >= 0)
                        (void)futimens(fd, times);
        }
}

/* ---- all ---- */

static int extract_entry(struct extract *x, const struct tar_entry *e, struct error *err)
{
        char path[PATH_MAX];
        struct target t;
        int r = clean(e->path, path, err);

        if (r < 0)
                return r;
        if (!may_have_name(x, path))
                return error_set(err, EPERM, "%.200s: nobody asked for that: only for %s", path, x->o->only);
        if (!*path)
                return extract_base(x, e, err);
        if (x->o->plain && (e->type == TAR_CHARACTER || e->type == TAR_BLOCK_DEVICE))
                return 0;
        r = find_target(x, e, path, &t, err);
        if (r < 0)
                return r;
        if (e->type == TAR_FILE)
                return extract_file(x, e, &t, err);
        if (e->type == TAR_DIRECTORY)
                r = extract_directory(x, e, path, &t);
        else if (e->type == TAR_SYMLINK)
                r = extract_symlink(x, e, &t);
        else if (e->type == TAR_HARD_LINK)
                r = extract_hard_link(x, e, &t);
        else
                r = extract_node(x, e, &t);
        if (r == 0)
                return 0;
        if (t.exists && e->type != TAR_DIRECTORY)
                (void)unlinkat(t.dir, t.temporary, 0);
        return error_errno(err, -r, "make %s", e->path);
}

int tar_extract(struct tar_reader *tar, const struct tar_extract_options *o, struct error *err)
{
        own_mem struct extract *x = calloc(1, sizeof *x);
        struct tar_entry e;
        int r;

        if (!x)
                return error_set(err, ENOMEM, "out of memory");
        *x = (struct extract){ .o = o, .tar = tar, .parent = -1, .base = -1 };
        if (o->only) {
                x->base = fd_open_in_root(o->root, o->base, O_PATH | O_DIRECTORY);
                if (x->base < 0)
                        return error_errno(err, -x->base, "%s", o->base);
        }
        while ((r = tar_reader_next(tar, &e, err)) > 0) {
                r = extract_entry(x, &e, err);
                if (r < 0)
                        break;
        }
        if (r == 0)
                set_dates(x);
        for (size_t i = 0; i < x->n_dated; i++)
                free(x->dated[i].path);
        free(x->dated);
        if (x->parent >= 0)
                close(x->parent);
        if (x->base >= 0)
                close(x->base);
        return r;
}
