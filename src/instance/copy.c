/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "store/tar_extract.h"
#include "store/tar_tree.h"
#include "sys/fd.h"

enum { MAX_LINKS = 40, PIECE = 256 << 10 };

static int side_open(const struct copy_side *s, const char *path, uint64_t flags)
{
        if (s->is_host)
                return fd_openat2(AT_FDCWD, *path ? path : ".", flags, 0, 0);
        return fd_open_in_root(s->root, path, flags);
}

/* ---- words ---- */

/* "." and ".." stand for what is in a directory. */
static bool is_content(const char *path)
{
        const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;

        return strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

static bool has_slash(const char *path)
{
        size_t n = strlen(path);

        return n && path[n - 1] == '/';
}

/* Without the slashes at its end; "/" stays. */
static int trim(const char *path, char ret[PATH_MAX])
{
        size_t n = strlen(path);

        while (n > 1 && path[n - 1] == '/')
                n--;
        if (n >= PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(ret, path, n);
        ret[n] = '\0';
        return 0;
}

static const char *last_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* "" for the directory that one is in. */
static void parent_of(const char *path, char ret[PATH_MAX])
{
        const char *name = last_name(path);

        snprintf(ret, PATH_MAX, "%.*s", (int)(name - path), path);
}

static int missing(const struct copy_side *s, int code, struct error *err)
{
        return error_errno(err, code, "%s", s->path);
}

/* ---- where it comes from ---- */

struct source {
        int fd; /* O_PATH, of the file itself */
        bool is_directory, is_device, content;
        char name[NAME_MAX + 1];
};

/* What its name is in an archive: "." for what is in it. */
static const char *archive_name(const struct source *s)
{
        return s->content ? "." : s->name;
}

static int find_source(const struct copy_side *s, bool follow, struct source *ret, struct error *err)
{
        struct source found = { .fd = -1, .content = is_content(s->path) };
        char path[PATH_MAX];
        struct stat st;

        if (trim(s->path, path) < 0 || strlen(last_name(path)) > NAME_MAX)
                return missing(s, ENAMETOOLONG, err);
        found.content |= strcmp(path, "/") == 0 || !*path;
        if (!found.content)
                memcpy(found.name, last_name(path), strlen(last_name(path)) + 1);
        follow |= found.content || has_slash(s->path);
        found.fd = side_open(s, path, O_PATH | (follow ? 0 : O_NOFOLLOW));
        if (found.fd < 0)
                return missing(s, -found.fd, err);
        if (fstat(found.fd, &st) < 0) {
                close(found.fd);
                return missing(s, errno, err);
        }
        found.is_directory = S_ISDIR(st.st_mode);
        found.is_device = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
        if (!found.is_directory && (found.content || has_slash(s->path))) {
                close(found.fd);
                return missing(s, ENOTDIR, err);
        }
        *ret = found;
        return 0;
}

static void source_finish(struct source *s)
{
        if (s->fd >= 0)
                close(s->fd);
}
#define own_source __attribute__((cleanup(source_finish)))

/* ---- where it goes ---- */

struct target {
        char path[PATH_MAX]; /* no link at its end, unless it leads to a directory */
        bool exists, is_directory;
        bool asserted; /* what was typed says that it is a directory */
};

/* The last component is a link: the path becomes where it leads. */
static int follow_link(char path[PATH_MAX], const char *text, ssize_t len)
{
        char parent[PATH_MAX], next[PATH_MAX];

        parent_of(path, parent);
        if (snprintf(next, sizeof next, "%s%.*s", *text == '/' ? "" : parent, (int)len, text) >= (int)sizeof next)
                return -ENAMETOOLONG;
        memcpy(path, next, strlen(next) + 1);
        return 0;
}

static int follow_links(const struct copy_side *s, char path[PATH_MAX])
{
        for (int links = 0; links < MAX_LINKS; links++) {
                char parent[PATH_MAX], text[PATH_MAX];
                own_fd int dir = -1;
                ssize_t n;
                int r;

                parent_of(path, parent);
                dir = side_open(s, parent, O_PATH | O_DIRECTORY);
                if (dir < 0)
                        return dir;
                n = readlinkat(dir, last_name(path), text, sizeof text - 1);
                if (n < 0)
                        return errno == EINVAL || errno == ENOENT ? 0 : -errno;
                r = follow_link(path, text, n);
                if (r < 0)
                        return r;
        }
        return -ELOOP;
}

static int find_target(const struct copy_side *s, struct target *ret, struct error *err)
{
        own_fd int fd = -1;
        struct stat st;
        int r;

        ret->exists = ret->is_directory = false;
        ret->asserted = is_content(s->path) || has_slash(s->path);
        if (trim(s->path, ret->path) < 0)
                return missing(s, ENAMETOOLONG, err);
        fd = side_open(s, ret->path, O_PATH);
        if (fd < 0 && fd != -ENOENT)
                return missing(s, -fd, err);
        if (fd >= 0 && fstat(fd, &st) < 0)
                return missing(s, errno, err);
        ret->exists = fd >= 0;
        ret->is_directory = ret->exists && S_ISDIR(st.st_mode);
        if (ret->is_directory)
                return 0;
        r = *last_name(ret->path) ? follow_links(s, ret->path) : 0;
        return r < 0 ? missing(s, -r, err) : 0;
}

/* What is written, and below which directory. */
struct plan {
        const char *as;
        char base[PATH_MAX];
};

/* As Docker has it (docker/pkg/archive: copy.go, PrepareArchiveCopy). */
static int make_plan(const struct source *from, const struct target *to, const struct copy_side *s, struct plan *ret,
                     struct error *err)
{
        if (to->is_directory) {
                ret->as = archive_name(from);
                memcpy(ret->base, to->path, strlen(to->path) + 1);
                return 0;
        }
        if (to->exists && from->is_directory)
                return error_set(err, ENOTDIR, "%s: cannot copy a directory over a file", s->path);
        if (to->asserted && (to->exists || !from->is_directory))
                return error_set(err, ENOTDIR, "%s: no such directory", s->path);
        ret->as = last_name(to->path);
        if (!*ret->as || is_content(to->path))
                return error_set(err, ENOENT, "%s: no such directory", s->path);
        parent_of(to->path, ret->base);
        return 0;
}

/* ---- copying ---- */

/*
 * On the host nothing is written outside of the directory that was named. In an instance links may lead to anywhere in
 * it. *ret_root: to be closed.
 */
static int open_target(const struct copy_side *s, const char *base, const struct copy_options *o,
                       struct tar_extract_options *ret, int *ret_root, struct error *err)
{
        int fd = side_open(s, base, O_PATH | O_DIRECTORY);
        bool host = s->is_host;

        if (fd < 0)
                return error_errno(err, -fd, "%s", *base ? base : s->path);
        *ret_root = fd;
        *ret = (struct tar_extract_options){
                .root = host ? fd : s->root,
                .base = host ? "." : base,
                .chown = host && !o->archive,
                .plain = host && !o->archive,
                .uid = geteuid(),
                .gid = getegid(),
                .lenient = o->lenient,
        };
        return 0;
}

int copy_files(const struct copy_side *from, const struct copy_side *to, const struct copy_options *o,
               struct error *err)
{
        struct tar_tree_options tree_options = { .name = "" };
        struct tar_extract_options extract_options;
        own_source struct source source = { .fd = -1 };
        own_tar_tree struct tar_tree *tree = NULL;
        own_tar_reader struct tar_reader *tar = NULL;
        own_fd int root = -1;
        struct target target;
        struct plan plan;
        int r = find_source(from, o->follow, &source, err);

        if (r == 0 && source.is_device && to->is_host && !o->archive)
                r = error_set(err, EPERM, "%s: a device comes to the host only with --archive", from->path);
        if (r == 0)
                r = find_target(to, &target, err);
        if (r == 0)
                r = make_plan(&source, &target, to, &plan, err);
        if (r == 0)
                r = open_target(to, plan.base, o, &extract_options, &root, err);
        if (r < 0)
                return r;
        tree_options.dir = source.fd;
        tree_options.as = plan.as;
        tree = tar_tree_new(&tree_options);
        tar = tree ? tar_reader_new(tar_tree_read, NULL, tree) : NULL;
        return tar ? tar_extract(tar, &extract_options, err) : error_set(err, ENOMEM, "out of memory");
}

/* ---- streams ---- */

int copy_to_stream(const struct copy_side *from, int to, const struct copy_options *o, struct error *err)
{
        struct tar_tree_options tree_options = { .name = "" };
        own_source struct source source = { .fd = -1 };
        own_tar_tree struct tar_tree *tree = NULL;
        const void *piece;
        ssize_t n;
        int r = find_source(from, o->follow, &source, err);

        if (r < 0)
                return r;
        tree_options.dir = source.fd;
        tree_options.as = archive_name(&source);
        tree = tar_tree_new(&tree_options);
        if (!tree)
                return error_set(err, ENOMEM, "out of memory");
        while ((n = tar_tree_read(tree, &piece, err)) > 0) {
                r = fd_write_all(to, piece, (size_t)n);
                if (r < 0)
                        return error_errno(err, -r, "write the archive");
        }
        return (int)n;
}

struct input {
        int fd;
        char data[PIECE];
};

static ssize_t read_input(void *userdata, const void **ret, struct error *err)
{
        struct input *in = userdata;
        ssize_t n;

        do
                n = read(in->fd, in->data, sizeof in->data);
        while (n < 0 && errno == EINTR);
        *ret = in->data;
        return n < 0 ? error_errno(err, errno, "read the archive") : n;
}

int copy_from_stream(int from, const struct copy_side *to, const struct copy_options *o, struct error *err)
{
        own_mem struct input *in = malloc(sizeof *in);
        own_tar_reader struct tar_reader *tar = in ? tar_reader_new(read_input, NULL, in) : NULL;
        struct tar_extract_options extract_options;
        own_fd int root = -1;
        struct target target = {};
        int r = tar ? find_target(to, &target, err) : error_set(err, ENOMEM, "out of memory");

        if (r == 0 && !target.is_directory)
                r = error_set(err, ENOTDIR, "%s: no such directory", to->path);
        if (r == 0)
                r = open_target(to, target.path, o, &extract_options, &root, err);
        if (r < 0 || !in)
                return r;
        in->fd = from;
        return tar_extract(tar, &extract_options, err);
}
