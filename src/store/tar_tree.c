/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A stack of directories, each with the names that are still to come. Only the uppermost levels
 * keep their descriptors, so that a deep tree takes no more of them than a flat one; one that is needed again is opened
 * from the root by its path, with no link on it, and has to be the same.
 */
#include "store/tar_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/arena.h"
#include "base/grow.h"
#include "base/own.h"
#include "store/inode_names.h"
#include "store/tar_write.h"
#include "sys/fd.h"

enum {
        PIECE = 128 << 10,
        OPEN_LEVELS = 64,
        PROC_PATH_SIZE = 40,
        XATTR_LIST_SIZE = 64 << 10, /* XATTR_LIST_MAX */
        MAX_EXTENTS = 4096,         /* a file of more is written whole */
};

#define WHITEOUT ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

struct level {
        int fd; /* -1: to be opened again */
        dev_t device;
        ino_t inode;
        size_t path_len; /* of the directory in the tree's path, with its slash */
        char *texts, **names;
        size_t n, next;
};

struct tar_tree {
        struct tar_tree_options options;
        char *name, *as;
        struct level *levels;
        size_t depth, levels_cap;
        struct buf path; /* of the entry at hand, as it stands in the archive */
        size_t root_len; /* of it, what stands for the root */
        struct inode_names links;
        struct buf out;
        char *scratch;
        struct arena arena; /* of the entry at hand */
        uint64_t entries;
        bool begun, ended;
        /* The file whose data comes. */
        int file;
        struct tar_extent *extents;
        size_t n_extents, extents_cap, extent;
        uint64_t at, written; /* in the extent; of the file */
};

struct tar_tree *tar_tree_new(const struct tar_tree_options *o)
{
        struct tar_tree *t = calloc(1, sizeof *t);

        if (!t)
                return NULL;
        t->options = *o;
        t->file = -1;
        t->name = strdup(o->name);
        t->as = strdup(o->as);
        t->scratch = malloc(XATTR_LIST_SIZE);
        if (t->name && t->as && t->scratch)
                return t;
        tar_tree_free(t);
        return NULL;
}

static void level_finish(struct level *l)
{
        if (l->fd >= 0)
                close(l->fd);
        free(l->texts);
        free(l->names);
}

void tar_tree_free(struct tar_tree *t)
{
        if (!t)
                return;
        while (t->depth)
                level_finish(&t->levels[--t->depth]);
        if (t->file >= 0)
                close(t->file);
        free(t->levels);
        free(t->name);
        free(t->as);
        free(t->scratch);
        free(t->extents);
        buf_finish(&t->path);
        buf_finish(&t->out);
        inode_names_finish(&t->links);
        arena_finish(&t->arena);
        free(t);
}

uint64_t tar_tree_entries(const struct tar_tree *t)
{
        return t->entries;
}

/* Whether the tree goes on without what could not be read. */
static bool is_gone(const struct tar_tree *t, int code)
{
        return !t->options.stable && (code == ENOENT || code == ESTALE || code == ENXIO);
}

static int failed(const struct tar_tree *t, int code, struct error *err)
{
        return error_errno(err, code, "read %s", buf_str(&t->path));
}

static void proc_path(int fd, char ret[PROC_PATH_SIZE])
{
        snprintf(ret, PROC_PATH_SIZE, "/proc/self/fd/%d", fd);
}

/* ---- directories ---- */

/* What the kernel makes up as it is read. */
static bool is_made_up(int fd)
{
        static const long types[] = {
                PROC_SUPER_MAGIC,
                SYSFS_MAGIC,
                CGROUP_SUPER_MAGIC,
                CGROUP2_SUPER_MAGIC,
                DEVPTS_SUPER_MAGIC,
                DEBUGFS_MAGIC,
                TRACEFS_MAGIC,
                SECURITYFS_MAGIC,
                BPF_FS_MAGIC,
                PSTOREFS_MAGIC,
                EFIVARFS_MAGIC,
                BINFMTFS_MAGIC,
                0x19800202 /* mqueue */,
                0x62656570 /* configfs */,
        };
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                if ((long)fs.f_type == types[i])
                        return true;
        }
        return false;
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names lie one behind the other in texts, each with its NUL. */
static int sort_names(struct level *l, struct buf *texts)
{
        char *p = texts->data;

        l->names = l->n ? calloc(l->n, sizeof *l->names) : NULL;
        if (buf_failed(texts) || (l->n && !l->names))
                return -ENOMEM;
        for (size_t i = 0; i < l->n; i++, p += strlen(p) + 1)
                l->names[i] = p;
        l->texts = take_ptr(texts->data);
        if (l->n)
                qsort(l->names, l->n, sizeof *l->names, compare);
        return 0;
}

/* Takes the descriptor. */
static int read_names(struct level *l, int fd)
{
        own_buf struct buf texts = {};
        own_dir DIR *dir = fdopendir(fd);
        struct dirent *e;

        if (!dir) {
                close(fd);
                return -errno;
        }
        while ((errno = 0, e = readdir(dir))) {
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                buf_add(&texts, e->d_name, strlen(e->d_name) + 1);
                l->n++;
        }
        return errno ? -errno : sort_names(l, &texts);
}

static void close_a_level(struct tar_tree *t)
{
        struct level *l;

        if (t->depth < OPEN_LEVELS)
                return;
        l = &t->levels[t->depth - OPEN_LEVELS];
        if (l->fd >= 0)
                close(l->fd);
        l->fd = -1;
}

/* path_fd: O_PATH, of a directory that has been looked at. */
static int push(struct tar_tree *t, int path_fd, const struct stat *st, struct error *err)
{
        struct level l = { .device = st->st_dev, .inode = st->st_ino, .path_len = t->path.len };
        int fd, r;

        if (array_grow(&t->levels, &t->levels_cap, t->depth + 1, sizeof *t->levels) < 0)
                return error_set(err, ENOMEM, "out of memory");
        l.fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (l.fd < 0)
                return is_gone(t, errno) ? 0 : failed(t, errno, err);
        if (t->depth && st->st_dev != t->levels[t->depth - 1].device && is_made_up(l.fd)) {
                level_finish(&l);
                return 0;
        }
        fd = fcntl(l.fd, F_DUPFD_CLOEXEC, 0);
        r = fd < 0 ? -errno : read_names(&l, fd);
        if (r < 0) {
                level_finish(&l);
                return failed(t, -r, err);
        }
        close_a_level(t);
        t->levels[t->depth++] = l;
        return 0;
}

/* -ESTALE: it is not there any more, or another. */
static int reopen(struct tar_tree *t, struct level *l)
{
        own_buf struct buf path = {};
        struct stat st;
        int fd;

        buf_addf(&path, "./%.*s", (int)(l->path_len - t->root_len), t->path.data + t->root_len);
        if (buf_failed(&path))
                return -ENOMEM;
        fd = fd_openat2(t->levels[0].fd, path.data, O_RDONLY | O_DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        if (fd < 0)
                return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? -ESTALE : fd;
        if (fstat(fd, &st) < 0 || st.st_ino != l->inode || st.st_dev != l->device) {
                close(fd);
                return -ESTALE;
        }
        l->fd = fd;
        return 0;
}

/* ---- attributes ---- */

static bool is_wanted(const struct tar_tree *t, const char *name)
{
        if (strchr(name, '=') || strcmp(name, "security.selinux") == 0)
                return false;
        return !t->options.overlay || (strncmp(name, "trusted.overlay.", strlen("trusted.overlay.")) != 0 &&
                                       strncmp(name, "user.overlay.", strlen("user.overlay.")) != 0);
}

/* One that is gone meanwhile, or that we may not see, is left out. */
static int take_xattr(struct tar_tree *t, const char *proc, const char *name, struct tar_xattr *list, size_t *n)
{
        own_mem char *value = malloc(TAR_MAX_XATTR_VALUE);
        ssize_t len = value ? getxattr(proc, name, value, TAR_MAX_XATTR_VALUE) : -1;
        char *copy;

        if (!value)
                return -ENOMEM;
        if (len < 0 || len >= TAR_MAX_XATTR_VALUE)
                return 0;
        copy = arena_alloc(&t->arena, 1, (size_t)len + 1);
        list[*n].name = arena_strdup(&t->arena, name);
        if (!copy || !list[*n].name)
                return -ENOMEM;
        memcpy(copy, value, (size_t)len);
        list[*n].value = copy;
        list[(*n)++].len = (size_t)len;
        return 0;
}

static int take_xattrs(struct tar_tree *t, int fd, struct tar_entry *e)
{
        char proc[PROC_PATH_SIZE];
        struct tar_xattr *list;
        size_t n = 0;
        ssize_t len;
        int r = 0;

        proc_path(fd, proc);
        len = listxattr(proc, t->scratch, XATTR_LIST_SIZE);
        if (len <= 0)
                return len == 0 || errno == ENOTSUP || is_gone(t, errno) ? 0 : -errno;
        list = arena_alloc(&t->arena, TAR_MAX_XATTRS, sizeof *list);
        if (!list)
                return -ENOMEM;
        for (const char *p = t->scratch; r == 0 && p < t->scratch + len && n < TAR_MAX_XATTRS; p += strlen(p) + 1) {
                if (is_wanted(t, p))
                        r = take_xattr(t, proc, p, list, &n);
        }
        e->xattrs = list;
        e->n_xattrs = n;
        return r;
}

static bool is_opaque(int fd)
{
        static const char *const names[] = { "trusted.overlay.opaque", "user.overlay.opaque" };
        char proc[PROC_PATH_SIZE], value = 0;

        proc_path(fd, proc);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (getxattr(proc, names[i], &value, 1) == 1 && value == 'y')
                        return true;
        }
        return false;
}

/* ---- entries ---- */

static int add_entry(struct tar_tree *t, const struct tar_entry *e, struct error *err)
{
        if (strlen(e->path) >= TAR_MAX_PATH)
                return error_set(err, ENAMETOOLONG, "%.80s...: the path is too long for an archive", e->path);
        tar_write_entry(&t->out, e);
        t->entries++;
        return 0;
}

/* An empty file of that name in the directory at hand: it says something of other names. */
static int add_mark(struct tar_tree *t, const char *prefix, const char *name, struct error *err)
{
        own_buf struct buf path = {};

        buf_addf(&path, "%.*s%s%s", (int)t->levels[t->depth - 1].path_len, buf_str(&t->path), prefix, name);
        if (buf_failed(&path))
                return error_set(err, ENOMEM, "out of memory");
        return add_entry(t, &(struct tar_entry){ .type = TAR_FILE, .path = path.data, .link = "" }, err);
}

static int add_directory(struct tar_tree *t, int fd, const struct stat *st, struct tar_entry *e, struct error *err)
{
        size_t before = t->depth;
        int r;

        e->type = TAR_DIRECTORY;
        buf_add_str(&t->path, "/");
        e->path = buf_str(&t->path);
        r = add_entry(t, e, err);
        if (r == 0)
                r = push(t, fd, st, err);
        if (r == 0 && t->depth > before && t->options.overlay && is_opaque(fd))
                r = add_mark(t, "", WHITEOUT_OPAQUE, err);
        return r;
}

static int add_symlink(struct tar_tree *t, int fd, struct tar_entry *e, struct error *err)
{
        char *target = arena_alloc(&t->arena, 1, PATH_MAX);
        ssize_t n = target ? readlinkat(fd, "", target, PATH_MAX - 1) : -1;

        if (!target)
                return error_set(err, ENOMEM, "out of memory");
        if (n < 0)
                return is_gone(t, errno) ? 0 : failed(t, errno, err);
        e->type = TAR_SYMLINK;
        e->link = target;
        return add_entry(t, e, err);
}

/* The pieces that have data; none, when the file is to be written whole. */
static int find_extents(struct tar_tree *t, off_t size)
{
        off_t at = 0;

        t->n_extents = 0;
        while (at < size) {
                off_t data = lseek(t->file, at, SEEK_DATA), hole;

                if (data < 0 && errno == ENXIO)
                        break;
                hole = data < 0 ? data : lseek(t->file, data, SEEK_HOLE);
                if (hole <= data || data >= size || t->n_extents == MAX_EXTENTS)
                        return 0;
                if (hole > size)
                        hole = size;
                if (array_grow(&t->extents, &t->extents_cap, t->n_extents + 2, sizeof *t->extents) < 0)
                        return -ENOMEM;
                t->extents[t->n_extents++] = (struct tar_extent){ (uint64_t)data, (uint64_t)(hole - data) };
                at = hole;
        }
        /* GNU tar says where the file ends by an empty piece. */
        if (!t->n_extents || at < size) {
                if (array_grow(&t->extents, &t->extents_cap, t->n_extents + 1, sizeof *t->extents) < 0)
                        return -ENOMEM;
                t->extents[t->n_extents++] = (struct tar_extent){ (uint64_t)size, 0 };
        }
        return t->n_extents > 1 || t->extents[0].len != (uint64_t)size;
}

static int plan_data(struct tar_tree *t, const struct stat *st, struct tar_entry *e)
{
        int sparse = st->st_blocks * 512 < st->st_size ? find_extents(t, st->st_size) : 0;

        if (sparse < 0)
                return sparse;
        e->size = (uint64_t)st->st_size;
        e->sparse = sparse;
        if (sparse) {
                e->sparse_size = (uint64_t)st->st_size;
                e->extents = t->extents;
                e->n_extents = t->n_extents;
                return 0;
        }
        if (array_grow(&t->extents, &t->extents_cap, 1, sizeof *t->extents) < 0)
                return -ENOMEM;
        t->extents[0] = (struct tar_extent){ 0, (uint64_t)st->st_size };
        t->n_extents = 1;
        return 0;
}

/* By the descriptor that was looked at: whatever has the name by now, it is this file that is opened. */
static int add_file(struct tar_tree *t, int fd, const struct stat *st, struct tar_entry *e, struct error *err)
{
        char proc[PROC_PATH_SIZE];
        int r;

        e->type = TAR_FILE;
        if (st->st_size) {
                proc_path(fd, proc);
                t->file = open(proc, O_RDONLY | O_NOATIME | O_CLOEXEC);
                if (t->file < 0 && errno == EPERM)
                        t->file = open(proc, O_RDONLY | O_CLOEXEC);
                if (t->file < 0)
                        return is_gone(t, errno) ? 0 : failed(t, errno, err);
                r = plan_data(t, st, e);
                if (r < 0)
                        return failed(t, -r, err);
        }
        t->extent = 0;
        t->at = t->written = 0;
        return add_entry(t, e, err);
}

static int add_device(struct tar_tree *t, const struct stat *st, struct tar_entry *e, struct error *err)
{
        e->type = S_ISCHR(st->st_mode) ? TAR_CHARACTER : S_ISBLK(st->st_mode) ? TAR_BLOCK_DEVICE : TAR_FIFO;
        if (!S_ISFIFO(st->st_mode)) {
                e->major = major(st->st_rdev);
                e->minor = minor(st->st_rdev);
        }
        return add_entry(t, e, err);
}

static int add_node(struct tar_tree *t, int fd, const struct stat *st, struct error *err)
{
        struct tar_entry e = { .path = buf_str(&t->path),
                               .link = "",
                               .mode = st->st_mode & 07777,
                               .uid = st->st_uid,
                               .gid = st->st_gid,
                               .mtime = st->st_mtim.tv_sec,
                               .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec };
        const char *first = NULL;
        int r;

        if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
                if (inode_names_meet(&t->links, st->st_dev, st->st_ino, e.path, &first) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                if (first) {
                        e.type = TAR_HARD_LINK;
                        e.link = first;
                        return add_entry(t, &e, err);
                }
        }
        r = take_xattrs(t, fd, &e);
        if (r < 0)
                return failed(t, -r, err);
        if (S_ISDIR(st->st_mode))
                return add_directory(t, fd, st, &e, err);
        if (S_ISLNK(st->st_mode))
                return add_symlink(t, fd, &e, err);
        return S_ISREG(st->st_mode) ? add_file(t, fd, st, &e, err) : add_device(t, st, &e, err);
}

/* t->path is its name in the archive. */
static int add(struct tar_tree *t, int dir, const char *name, struct error *err)
{
        own_fd int fd = *name ? openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : fcntl(dir, F_DUPFD_CLOEXEC, 0);
        struct stat st;

        if (buf_failed(&t->path))
                return error_set(err, ENOMEM, "out of memory");
        if (fd < 0 || fstat(fd, &st) < 0)
                return is_gone(t, errno) ? 0 : failed(t, errno, err);
        if (S_ISSOCK(st.st_mode))
                return 0;
        if (t->options.overlay && S_ISCHR(st.st_mode) && st.st_rdev == 0 && t->depth)
                return add_mark(t, WHITEOUT, name, err);
        return add_node(t, fd, &st, err);
}

/* ---- the walk ---- */

static int begin(struct tar_tree *t, struct error *err)
{
        int r;

        t->begun = true;
        buf_add_str(&t->path, t->as);
        r = add(t, t->options.dir, t->name, err);
        t->root_len = t->path.len;
        return r == 0 && !t->entries ? error_set(err, ENOENT, "%s is gone, or is a socket", t->as) : r;
}

static int next(struct tar_tree *t, struct error *err)
{
        struct level *l = &t->levels[t->depth - 1];
        const char *name;
        int r;

        if (l->next == l->n) {
                level_finish(l);
                t->depth--;
                return 0;
        }
        if (l->fd < 0) {
                r = reopen(t, l);
                if (r == -ESTALE && !t->options.stable) {
                        l->next = l->n;
                        return 0;
                }
                if (r < 0)
                        return failed(t, -r, err);
        }
        name = l->names[l->next++];
        t->path.len = l->path_len;
        buf_add_str(&t->path, name);
        arena_finish(&t->arena);
        return add(t, l->fd, name, err);
}

/* Some of the file's data; zeros for what it has lost. */
static int add_data(struct tar_tree *t, struct error *err)
{
        const struct tar_extent *x = &t->extents[t->extent];
        size_t want = x->len - t->at < XATTR_LIST_SIZE ? (size_t)(x->len - t->at) : XATTR_LIST_SIZE;
        ssize_t n = want ? pread(t->file, t->scratch, want, (off_t)(x->offset + t->at)) : 0;

        if (n < 0)
                return errno == EINTR ? 0 : failed(t, errno, err);
        if (n == 0 && want) {
                if (t->options.stable)
                        return error_set(err, EAGAIN, "read %s: it was changed meanwhile", buf_str(&t->path));
                memset(t->scratch, 0, want);
                n = (ssize_t)want;
        }
        buf_add(&t->out, t->scratch, (size_t)n);
        t->at += (size_t)n;
        t->written += (size_t)n;
        if (t->at < x->len)
                return 0;
        t->at = 0;
        if (++t->extent < t->n_extents)
                return 0;
        tar_write_padding(&t->out, t->written);
        close(t->file);
        t->file = -1;
        return 0;
}

ssize_t tar_tree_read(void *userdata, const void **ret, struct error *err)
{
        struct tar_tree *t = userdata;
        int r = 0;

        t->out.len = 0;
        while (r == 0 && t->out.len < PIECE && !t->ended) {
                if (!t->begun) {
                        r = begin(t, err);
                } else if (t->file >= 0) {
                        r = add_data(t, err);
                } else if (t->depth) {
                        r = next(t, err);
                } else {
                        tar_write_end(&t->out);
                        t->ended = true;
                }
        }
        if (r == 0 && buf_failed(&t->out))
                r = error_set(err, ENOMEM, "out of memory");
        if (r < 0)
                return r;
        *ret = buf_str(&t->out);
        return (ssize_t)t->out.len;
}

int tar_tree_write(const struct tar_tree_options *o, int to, struct error *err)
{
        own_tar_tree struct tar_tree *tree = tar_tree_new(o);
        const void *piece;
        ssize_t n;

        if (!tree)
                return error_set(err, ENOMEM, "out of memory");
        while ((n = tar_tree_read(tree, &piece, err)) > 0) {
                int r = fd_write_all(to, piece, (size_t)n);

                if (r < 0)
                        return error_errno(err, -r, "write the archive");
        }
        return (int)n;
}
