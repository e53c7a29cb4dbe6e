/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. One directory is open at a time: a tree may be deeper than descriptors last, and ".." leads back
 * in one that nobody else knows. What is known of those above waits in a list. A directory gets its owner, mode and
 * times when it is left. A file with more than one name stands in `links`, too, under the number of its node, until all
 * are made. Whiteouts, which are all one node, may be more than a file can have names.
 */
#include "store/layer_unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/erofs_tree.h"
#include "sys/fd.h"

/* No path of an archive has more components. */
enum { MAX_DEPTH = 4096, COPY_SIZE = 1 << 18, LINK_NAME_SIZE = 24, DISK_BLOCK = 4096 };

#define OPAQUE_IN_LAYER "trusted.overlay.opaque"
#define OPAQUE "user.overlay.opaque"

struct level {
        struct erofs_node node;
        struct erofs_cursor cursor;
        bool in_dev; /* /dev, or below: what is missing there nobody misses, each container has its own */
};

struct unpack {
        struct erofs_tree tree;
        struct layer_unpack_result result;
        struct level *levels; /* from the root to where we are */
        size_t n, cap;
        int dir, links; /* dir: that of the last level */
        char *buffer;
};

/* ---- attributes ---- */

struct xattr_target {
        struct unpack *u;
        int fd;
};

static bool begins_with(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int set_xattr(void *userdata, const char *name, const void *value, size_t len, struct error *err)
{
        const struct xattr_target *t = userdata;

        if (strcmp(name, OPAQUE_IN_LAYER) == 0)
                return fsetxattr(t->fd, OPAQUE, value, len, 0) < 0 ? error_errno(err, errno, "set " OPAQUE) : 0;
        /* Overlayfs would believe them. */
        if (begins_with(name, "trusted.") || begins_with(name, "user.overlay."))
                return 0;
        if (fsetxattr(t->fd, name, value, len, 0) == 0)
                return 0;
        if (errno == EIO || errno == EDQUOT || errno == ENOMEM)
                return error_errno(err, errno, "set %s", name);
        t->u->result.xattrs++;
        return 0;
}

static int set_owner(struct unpack *u, int dir, const char *name, const struct erofs_node *node, struct error *err)
{
        if (node->uid == 0 && node->gid == 0)
                return 0;
        if (fchownat(dir, name, node->uid, node->gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0)
                return 0;
        if (errno != EINVAL && errno != EPERM)
                return error_errno(err, errno, "change the owner of %s", name);
        u->result.owners++;
        return 0;
}

static int set_times(int dir, const char *name, const struct erofs_node *node, struct error *err)
{
        const struct timespec t = { .tv_sec = (time_t)node->mtime, .tv_nsec = (long)node->mtime_nsec };
        const struct timespec times[] = { t, t };
        int r = name ? utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) : futimens(dir, times);

        return r < 0 ? error_errno(err, errno, "set the time of %s", name ? name : "a file") : 0;
}

/* Of a file or directory that is open. The mode behind the owner, whose change takes set-user-id bits away. */
static int set_attributes(struct unpack *u, int fd, const struct erofs_node *node, struct error *err)
{
        struct xattr_target t = { u, fd };
        int r = set_owner(u, fd, "", node, err);

        if (r == 0)
                r = erofs_node_xattrs(&u->tree, node, set_xattr, &t, err);
        if (r == 0 && fchmod(fd, node->mode & 07777) < 0)
                r = error_errno(err, errno, "set a mode");
        return r == 0 ? set_times(fd, NULL, node, err) : r;
}

/* ---- what is no directory ---- */

static int copy(struct unpack *u, const struct erofs_node *node, int fd, struct error *err)
{
        uint64_t at = 0, n = 0;
        bool hole = false, ends_in_hole = false;
        int r;

        while ((r = erofs_node_read(&u->tree, node, at, u->buffer, COPY_SIZE, &n, &hole, err)) == 0 && n) {
                if (hole && lseek(fd, (off_t)n, SEEK_CUR) < 0)
                        return error_errno(err, errno, "write a file");
                r = hole ? 0 : fd_write_all(fd, u->buffer, n);
                if (r < 0)
                        return error_errno(err, -r, "write a file");
                at += n;
                u->result.bytes += hole ? 0 : (n + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK;
                ends_in_hole = hole;
        }
        if (r == 0 && ends_in_hole && ftruncate(fd, (off_t)at) < 0)
                return error_errno(err, errno, "write a file");
        return r;
}

static int make_file(struct unpack *u, const char *name, const struct erofs_node *node, struct error *err)
{
        own_fd int fd = openat(u->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = fd < 0 ? error_errno(err, errno, "make it") : copy(u, node, fd, err);

        return r == 0 ? set_attributes(u, fd, node, err) : r;
}

static int make_symlink(struct unpack *u, const char *name, const struct erofs_node *node, struct error *err)
{
        own_mem char *target = NULL;
        int r = erofs_node_link(&u->tree, node, &target, err);

        if (r == 0 && symlinkat(target, u->dir, name) < 0)
                r = error_errno(err, errno, "make a symbolic link");
        if (r == 0)
                r = set_owner(u, u->dir, name, node, err);
        return r == 0 ? set_times(u->dir, name, node, err) : r;
}

static bool is_device(const struct erofs_node *node)
{
        return S_ISBLK(node->mode) || S_ISCHR(node->mode);
}

static bool is_whiteout(const struct erofs_node *node)
{
        return S_ISCHR(node->mode) && !node->device;
}

static dev_t device_of(const struct erofs_node *node)
{
        uint32_t d = node->device;

        return makedev(d >> 8 & 0xfff, (d & 0xff) | (d >> 12 & 0xfff00));
}

static int make_special(struct unpack *u, const char *name, const struct erofs_node *node, struct error *err)
{
        mode_t mode = node->mode & (S_IFMT | 07777);
        bool device = is_device(node);
        int r = mknodat(u->dir, name, mode, device ? device_of(node) : 0);

        if (r < 0 && errno == EPERM && device && node->device) {
                u->result.devices += !u->levels[u->n - 1].in_dev;
                r = mknodat(u->dir, name, S_IFCHR, 0);
        }
        if (r < 0)
                return error_errno(err, errno, "make a special file");
        /* Nobody asks for those of a whiteout. */
        if (is_whiteout(node))
                return 0;
        r = set_owner(u, u->dir, name, node, err);
        if (r == 0 && fchmodat(u->dir, name, mode & 07777, 0) < 0)
                r = error_errno(err, errno, "set a mode");
        return r == 0 ? set_times(u->dir, name, node, err) : r;
}

static int make_any(struct unpack *u, const char *name, const struct erofs_node *node, struct error *err)
{
        if (S_ISREG(node->mode))
                return make_file(u, name, node, err);
        if (S_ISLNK(node->mode))
                return make_symlink(u, name, node, err);
        if (is_device(node) || S_ISFIFO(node->mode) || S_ISSOCK(node->mode))
                return make_special(u, name, node, err);
        return error_set(err, EBADMSG, "the layer is damaged: a file of no type");
}

static int make_linked(struct unpack *u, const char *name, const struct erofs_node *node, struct error *err)
{
        char link[LINK_NAME_SIZE];
        int r;

        snprintf(link, sizeof link, "%llu", (unsigned long long)node->nid);
        if (linkat(u->links, link, u->dir, name, 0) == 0)
                return 0;
        if (errno != ENOENT)
                return error_errno(err, errno, "make a link");
        r = make_any(u, name, node, err);
        if (r == 0 && linkat(u->dir, name, u->links, link, 0) < 0)
                r = error_errno(err, errno, "make a link");
        return r;
}

static int remove_links(const struct unpack *u, struct error *err)
{
        int copy = openat(u->links, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *e;

        if (!dir)
                return error_errno(err, errno, "open the directory of links");
        while ((e = readdir(dir))) {
                if (*e->d_name != '.' && unlinkat(u->links, e->d_name, 0) < 0)
                        return error_errno(err, errno, "remove a link");
        }
        return 0;
}

/* ---- directories ---- */

static int push(struct unpack *u, const struct erofs_node *node, struct error *err)
{
        if (u->n == MAX_DEPTH)
                return error_set(err, EBADMSG, "the layer is damaged: a tree deeper than any path");
        if (array_grow(&u->levels, &u->cap, u->n + 1, sizeof *u->levels) < 0)
                return error_set(err, ENOMEM, "out of memory");
        u->levels[u->n++] = (struct level){ .node = *node };
        return 0;
}

static int move_to(struct unpack *u, const char *name, struct error *err)
{
        int fd = openat(u->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return error_errno(err, errno, "open it");
        close(u->dir);
        u->dir = fd;
        return 0;
}

static int go_down(struct unpack *u, const char *name, const struct erofs_node *node, struct error *err)
{
        bool in_dev = u->n == 1 ? strcmp(name, "dev") == 0 : u->levels[u->n - 1].in_dev;
        int r = push(u, node, err);

        if (r == 0)
                u->levels[u->n - 1].in_dev = in_dev;
        if (r == 0 && mkdirat(u->dir, name, 0700) < 0)
                r = error_errno(err, errno, "make it");
        u->result.bytes += DISK_BLOCK;
        return r == 0 ? move_to(u, name, err) : r;
}

static int go_up(struct unpack *u, struct error *err)
{
        own_fd int left = fcntl(u->dir, F_DUPFD_CLOEXEC, 3);
        const struct erofs_node node = u->levels[--u->n].node;
        int r = left < 0 ? error_errno(err, errno, "copy a descriptor") : 0;

        if (r == 0 && u->n)
                r = move_to(u, "..", err);
        return r == 0 ? set_attributes(u, left, &node, err) : r;
}

static int make_entry(struct unpack *u, const struct erofs_name *name, struct error *err)
{
        struct erofs_node node;
        int r = erofs_node_open(&u->tree, name->nid, &node, err);

        if (r == 0 && S_ISDIR(node.mode))
                r = go_down(u, name->text, &node, err);
        else if (r == 0)
                r = node.nlink > 1 && !is_whiteout(&node) ? make_linked(u, name->text, &node, err)
                                                          : make_any(u, name->text, &node, err);
        /* No name stands twice in what we have written. */
        if (r == -EEXIST)
                return error_set(err, EBADMSG, "the layer is damaged: two files %s", name->text);
        return r < 0 ? error_wrap(err, "unpack %s", name->text) : 0;
}

static int walk(struct unpack *u, struct error *err)
{
        struct erofs_name name;
        int r = 0;

        while (r == 0 && u->n) {
                struct level *l = &u->levels[u->n - 1];

                r = erofs_directory_next(&u->tree, &l->node, &l->cursor, &name, err);
                if (r >= 0)
                        r = r ? make_entry(u, &name, err) : go_up(u, err);
        }
        return r;
}

static int begin(struct unpack *u, int image_fd, int dir, struct error *err)
{
        struct erofs_node root;
        int r = erofs_tree_open(&u->tree, image_fd, err);

        if (r == 0)
                r = erofs_node_open(&u->tree, u->tree.root, &root, err);
        if (r == 0)
                r = push(u, &root, err);
        if (r < 0)
                return r;
        u->dir = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (u->dir < 0)
                return error_errno(err, errno, "open the directory of the layer");
        u->buffer = malloc(COPY_SIZE);
        return u->buffer ? 0 : error_set(err, ENOMEM, "out of memory");
}

int layer_unpack(int image_fd, int dir, int links, struct layer_unpack_result *ret, struct error *err)
{
        struct unpack u = { .dir = -1, .links = links };
        int r = begin(&u, image_fd, dir, err);

        if (r == 0)
                r = walk(&u, err);
        if (r == 0)
                r = remove_links(&u, err);
        free(u.levels);
        free(u.buffer);
        if (u.dir >= 0)
                close(u.dir);
        if (r == 0)
                *ret = u.result;
        return r;
}
