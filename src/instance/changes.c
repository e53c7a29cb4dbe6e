/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories are opened by their path from the upper directory, with no link on it, and are not kept open: a tree may
 * be as deep as it likes.
 */
#include "instance/changes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/grow.h"
#include "base/own.h"
#include "sys/fd.h"

struct walk {
        const struct changes_options *o;
        int (*each)(void *userdata, enum change_kind kind, const char *path, struct error *err);
        void *userdata;
        struct buf path; /* "/etc/hosts"; "" for the root */
        struct error *err;
};

/* The names in a directory, sorted. */
struct names {
        char **items;
        size_t n, cap;
};

static void names_finish(struct names *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->items[i]);
        free(l->items);
}
#define own_names __attribute__((cleanup(names_finish)))

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int fail(const struct walk *w, int code)
{
        return error_errno(w->err, code, "look at %s", w->path.len ? w->path.data : "/");
}

static int open_at(int root, const struct buf *path, uint64_t flags)
{
        return fd_openat2(root, path->len ? path->data + 1 : ".", flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static int read_names(int root, const struct buf *path, struct names *ret)
{
        int fd = open_at(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;

        if (!dir)
                return fd < 0 ? fd : -errno;
        while ((errno = 0, e = readdir(dir))) {
                char *copy;

                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                copy = strdup(e->d_name);
                if (!copy || array_grow(&ret->items, &ret->cap, ret->n + 1, sizeof *ret->items) < 0) {
                        free(copy);
                        return -ENOMEM;
                }
                ret->items[ret->n++] = copy;
        }
        if (errno)
                return -errno;
        if (ret->n)
                qsort(ret->items, ret->n, sizeof *ret->items, compare);
        return 0;
}

/* 1: it is there. */
static int look(int root, const struct buf *path, struct stat *ret)
{
        own_fd int fd = open_at(root, path, O_PATH | O_NOFOLLOW);

        if (fd < 0)
                return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
        return fstat(fd, ret) < 0 ? -errno : 1;
}

static bool is_opaque(int root, const struct buf *path)
{
        static const char *const names[] = { "trusted.overlay.opaque", "user.overlay.opaque" };
        own_fd int fd = open_at(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        char value = 0;

        for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(names); i++) {
                if (fgetxattr(fd, names[i], &value, 1) == 1 && value == 'y')
                        return true;
        }
        return false;
}

static bool has_name(const struct names *l, const char *name)
{
        return l->n && bsearch(&name, l->items, l->n, sizeof *l->items, compare);
}

static bool is_mount_point(const struct walk *w)
{
        for (const char *const *p = w->o->mount_points; p && *p; p++) {
                if (strcmp(*p, w->path.data) == 0)
                        return true;
        }
        return false;
}

static int tell(const struct walk *w, enum change_kind kind)
{
        return w->each(w->userdata, kind, w->path.data, w->err);
}

/* The name behind the path; returns the length to which it is cut again. */
static size_t enter(struct walk *w, const char *name)
{
        size_t len = w->path.len;

        buf_addf(&w->path, "/%s", name);
        return len;
}

static void leave(struct walk *w, size_t len)
{
        w->path.len = len;
        w->path.data[len] = '\0';
}

/* How many entries of the upper directory are nothing but places to mount on. */
static size_t count_places(struct walk *w, const struct names *upper)
{
        size_t n = 0;

        for (size_t i = 0; w->o->mount_points && i < upper->n; i++) {
                size_t len = enter(w, upper->items[i]);
                struct stat st;

                n += !buf_failed(&w->path) && is_mount_point(w) && look(w->o->lower, &w->path, &st) == 0;
                leave(w, len);
        }
        return n;
}

static int walk_directory(struct walk *w, bool hides_all);

/* A directory that the image has too: whether it is another by itself. */
static bool is_same_directory(const struct stat *a, const struct stat *b)
{
        return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid;
}

static bool is_same_time(const struct stat *a, const struct stat *b)
{
        return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Overlayfs copies a directory up whenever something in it is changed; that alone is told only if it was. */
static int tell_directory(struct walk *w, const struct stat *upper, const struct stat *lower, bool opaque)
{
        own_names struct names names = {};
        size_t places;
        int r = read_names(w->o->upper, &w->path, &names);

        if (r < 0)
                return fail(w, -r);
        places = count_places(w, &names);
        if (!opaque && names.n == places && is_same_directory(upper, lower) && (places || is_same_time(upper, lower)))
                return 0;
        return tell(w, CHANGE_MODIFIED);
}

static bool is_empty(struct walk *w, const struct stat *st)
{
        own_names struct names names = {};

        if (!S_ISDIR(st->st_mode))
                return S_ISREG(st->st_mode) && !st->st_size;
        return read_names(w->o->upper, &w->path, &names) == 0 && !names.n;
}

static int tell_entry(struct walk *w)
{
        struct stat upper, lower;
        bool opaque;
        int r = look(w->o->upper, &w->path, &upper), there;

        if (r <= 0)
                return r < 0 ? fail(w, -r) : 0;
        there = look(w->o->lower, &w->path, &lower);
        if (there < 0)
                return fail(w, -there);
        if (S_ISCHR(upper.st_mode) && upper.st_rdev == 0)
                return there ? tell(w, CHANGE_DELETED) : 0;
        if (!there && is_mount_point(w) && is_empty(w, &upper))
                return 0;
        if (!S_ISDIR(upper.st_mode))
                return tell(w, there ? CHANGE_MODIFIED : CHANGE_ADDED);
        opaque = is_opaque(w->o->upper, &w->path);
        if (there && S_ISDIR(lower.st_mode))
                r = tell_directory(w, &upper, &lower, opaque);
        else
                r = tell(w, there ? CHANGE_MODIFIED : CHANGE_ADDED);
        if (r != 0)
                return r;
        return walk_directory(w, !there || !S_ISDIR(lower.st_mode) ? true : opaque);
}

/* An opaque directory hides what the image has in it: what of that is not there again was deleted. */
static int tell_hidden(struct walk *w, const struct names *upper)
{
        own_names struct names lower = {};
        int r = read_names(w->o->lower, &w->path, &lower);

        if (r < 0)
                return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? 0 : fail(w, -r);
        r = 0;
        for (size_t i = 0; r == 0 && i < lower.n; i++) {
                size_t len = enter(w, lower.items[i]);

                if (!has_name(upper, lower.items[i]))
                        r = tell(w, CHANGE_DELETED);
                leave(w, len);
        }
        return r;
}

/* hides_all: the image's directory of that name, if any, is not seen. */
static int walk_directory(struct walk *w, bool hides_all)
{
        own_names struct names names = {};
        int r = read_names(w->o->upper, &w->path, &names);

        if (r < 0)
                return fail(w, -r);
        if (hides_all)
                r = tell_hidden(w, &names);
        for (size_t i = 0; r == 0 && i < names.n; i++) {
                size_t len = enter(w, names.items[i]);

                r = buf_failed(&w->path) ? error_set(w->err, ENOMEM, "out of memory") : tell_entry(w);
                leave(w, len);
        }
        return r;
}

int changes_find(const struct changes_options *o,
                 int (*each)(void *userdata, enum change_kind kind, const char *path, struct error *err),
                 void *userdata, struct error *err)
{
        struct walk w = { .o = o, .each = each, .userdata = userdata, .err = err };
        int r;

        /* The root's path is empty, but never without a string. */
        buf_add(&w.path, "", 1);
        w.path.len = 0;
        r = buf_failed(&w.path) ? error_set(err, ENOMEM, "out of memory") : walk_directory(&w, false);
        buf_finish(&w.path);
        return r;
}
