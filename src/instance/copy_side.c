/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/copy_side.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "store/tar_extract.h"
#include "store/tar_tree.h"
#include "sys/fd.h"

enum { MAX_LINKS = 40 };

static int side_open(const struct copy_side *s, const char *path, uint64_t flags)
{
        if (s->is_host)
                return fd_openat2(AT_FDCWD, *path ? path : ".", flags, 0, 0);
        return fd_open_in_root(s->root, path, flags);
}

/* ---- words ---- */

bool copy_is_content(const char *path)
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

const char *copy_last_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

void copy_parent_of(const char *path, char ret[PATH_MAX])
{
        const char *name = copy_last_name(path);

        snprintf(ret, PATH_MAX, "%.*s", (int)(name - path), path);
}

static int missing(const struct copy_side *s, int code, struct error *err)
{
        return error_errno(err, code, "%s", s->path);
}

/* ---- where it comes from ---- */

void copy_source_finish(struct copy_source *s)
{
        if (s->fd >= 0)
                close(take_fd(&s->fd));
}

const char *copy_source_name(const struct copy_source *s)
{
        return s->content ? "." : s->name;
}

int copy_source_read(const char *path, struct copy_source *ret, char ret_path[PATH_MAX])
{
        struct copy_source s = { .fd = -1, .content = copy_is_content(path) };

        if (trim(path, ret_path) < 0 || strlen(copy_last_name(ret_path)) > NAME_MAX)
                return -ENAMETOOLONG;
        s.content |= strcmp(ret_path, "/") == 0 || !*ret_path;
        if (!s.content)
                memcpy(s.name, copy_last_name(ret_path), strlen(copy_last_name(ret_path)) + 1);
        *ret = s;
        return 0;
}

int copy_source_find(const struct copy_side *s, bool follow, struct copy_source *ret, struct error *err)
{
        own_copy_source struct copy_source found = { .fd = -1 };
        char path[PATH_MAX];
        struct stat st;
        int r = copy_source_read(s->path, &found, path);

        if (r < 0)
                return missing(s, -r, err);
        follow |= found.content || has_slash(s->path);
        found.fd = side_open(s, path, O_PATH | (follow ? 0 : O_NOFOLLOW));
        if (found.fd < 0)
                return missing(s, -found.fd, err);
        if (fstat(found.fd, &st) < 0)
                return missing(s, errno, err);
        found.is_directory = S_ISDIR(st.st_mode);
        found.is_device = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
        if (!found.is_directory && (found.content || has_slash(s->path)))
                return missing(s, ENOTDIR, err);
        *ret = found;
        found.fd = -1;
        return 0;
}

/* ---- where it goes ---- */

/* The last component is a link: the path becomes where it leads. */
static int follow_link(char path[PATH_MAX], const char *text, ssize_t len)
{
        char parent[PATH_MAX], next[PATH_MAX];

        copy_parent_of(path, parent);
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

                copy_parent_of(path, parent);
                dir = side_open(s, parent, O_PATH | O_DIRECTORY);
                if (dir < 0)
                        return dir;
                n = readlinkat(dir, copy_last_name(path), text, sizeof text - 1);
                if (n < 0)
                        return errno == EINVAL || errno == ENOENT ? 0 : -errno;
                r = follow_link(path, text, n);
                if (r < 0)
                        return r;
        }
        return -ELOOP;
}

int copy_target_read(const char *path, struct copy_target *ret)
{
        ret->exists = ret->is_directory = false;
        ret->asserted = copy_is_content(path) || has_slash(path);
        return trim(path, ret->path);
}

int copy_target_find(const struct copy_side *s, struct copy_target *ret, struct error *err)
{
        own_fd int fd = -1;
        struct stat st;
        int r = copy_target_read(s->path, ret);

        if (r < 0)
                return missing(s, -r, err);
        fd = side_open(s, ret->path, O_PATH);
        if (fd < 0 && fd != -ENOENT)
                return missing(s, -fd, err);
        if (fd >= 0 && fstat(fd, &st) < 0)
                return missing(s, errno, err);
        ret->exists = fd >= 0;
        ret->is_directory = ret->exists && S_ISDIR(st.st_mode);
        if (ret->is_directory)
                return 0;
        r = *copy_last_name(ret->path) ? follow_links(s, ret->path) : 0;
        return r < 0 ? missing(s, -r, err) : 0;
}

/* ---- archives ---- */

int copy_extract(const struct copy_side *s, const char *base, struct tar_reader *tar, const char *only,
                 const struct copy_options *o, struct error *err)
{
        own_fd int fd = side_open(s, base, O_PATH | O_DIRECTORY);
        bool host = s->is_host;
        const struct tar_extract_options options = {
                .root = host ? fd : s->root,
                .base = host ? "." : base,
                .chown = host && !o->archive,
                .plain = host && !o->archive,
                .uid = geteuid(),
                .gid = getegid(),
                .only = only,
                .lenient = o->lenient,
        };

        if (fd < 0)
                return error_errno(err, -fd, "%s", *base ? base : s->path);
        return tar_extract(tar, &options, err);
}

int copy_archive(const struct copy_source *s, const char *as, int to, struct error *err)
{
        const struct tar_tree_options o = { .dir = s->fd, .name = "", .as = as };

        return tar_tree_write(&o, to, err);
}

ssize_t copy_input_read(void *userdata, const void **ret, struct error *err)
{
        struct copy_input *in = userdata;
        ssize_t n;

        do
                n = read(in->fd, in->data, sizeof in->data);
        while (n < 0 && errno == EINTR);
        *ret = in->data;
        return n < 0 ? error_errno(err, errno, "read the archive") : n;
}
