/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of directories that are made, moved and removed. What is made belongs to whom the guest says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "share/server.h"
#include "sys/capability.h"

enum { OPEN_FLAGS = O_ACCMODE | O_APPEND | O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME };

/* The descriptor of the directory that a request is about. */
static int open_parent(struct share_server *s, uint64_t nodeid, struct share_inode **ret)
{
        struct share_inode *i = share_inode_find(s, nodeid);

        if (!i)
                return -ESTALE;
        *ret = i;
        return i->type == S_IFDIR ? share_inode_open(s, i) : -ENOTDIR;
}

static bool has_owner(const struct share_request *q)
{
        return q->head->uid || q->head->gid;
}

static int begin(const struct share_request *q)
{
        return has_owner(q) ? capability_set_file_owner(q->head->uid, q->head->gid) : 0;
}

static void end(const struct share_request *q)
{
        if (has_owner(q))
                capability_set_file_owner(0, 0);
}

static int answer_entry(struct share_server *s, uint64_t parent, const char *name)
{
        struct share_inode *i = share_inode_find(s, parent);

        return i ? share_inode_look_up(s, i, name, share_answer_of(s, sizeof(struct fuse_entry_out))) : -ESTALE;
}

/* what: 0 or -1 with errno. */
static int made(struct share_server *s, const struct share_request *q, int what, const char *name)
{
        int r = what < 0 ? -errno : 0;

        end(q);
        return r < 0 ? r : answer_entry(s, q->head->nodeid, name);
}

int share_op_mkdir(struct share_server *s, const struct share_request *q)
{
        const struct fuse_mkdir_in *in = q->arg;
        struct share_inode *parent;
        int dir = open_parent(s, q->head->nodeid, &parent), r = dir < 0 ? dir : begin(q);

        return r < 0 ? r : made(s, q, mkdirat(dir, q->name, in->mode & 07777), q->name);
}

/* No devices: a guest's are its own, and what it made would be the host's. */
int share_op_mknod(struct share_server *s, const struct share_request *q)
{
        const struct fuse_mknod_in *in = q->arg;
        struct share_inode *parent;
        mode_t type = in->mode & S_IFMT;
        int dir = open_parent(s, q->head->nodeid, &parent), r;

        if (dir < 0)
                return dir;
        if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
                return -EPERM;
        r = begin(q);
        return r < 0 ? r : made(s, q, mknodat(dir, q->name, type | (in->mode & 07777), 0), q->name);
}

int share_op_symlink(struct share_server *s, const struct share_request *q)
{
        struct share_inode *parent;
        int dir = open_parent(s, q->head->nodeid, &parent), r;

        if (dir < 0)
                return dir;
        if (!share_is_name(q->name))
                return -EINVAL;
        r = begin(q);
        return r < 0 ? r : made(s, q, symlinkat(q->second, dir, q->name), q->name);
}

/* By the name of the descriptor: without one it would want the right to read any file. */
int share_op_link(struct share_server *s, const struct share_request *q)
{
        const struct fuse_link_in *in = q->arg;
        struct share_inode *parent, *from = share_inode_find(s, in->oldnodeid);
        int dir = from ? open_parent(s, q->head->nodeid, &parent) : -ESTALE, r;
        char path[16];

        r = dir < 0 ? dir : share_inode_path(s, from, path);
        if (r < 0)
                return r;
        if (linkat(AT_FDCWD, path, dir, q->name, AT_SYMLINK_FOLLOW) < 0)
                return -errno;
        return answer_entry(s, q->head->nodeid, q->name);
}

static int take_away(struct share_server *s, const struct share_request *q, int flags)
{
        struct share_inode *parent;
        int dir = open_parent(s, q->head->nodeid, &parent);

        if (dir < 0)
                return dir;
        share_inode_unlinking(s, parent, q->name);
        return unlinkat(dir, q->name, flags) < 0 ? -errno : 0;
}

int share_op_unlink(struct share_server *s, const struct share_request *q)
{
        return take_away(s, q, 0);
}

int share_op_rmdir(struct share_server *s, const struct share_request *q)
{
        return take_away(s, q, AT_REMOVEDIR);
}

/* ---- RENAME ---- */

static int move(struct share_server *s, const struct share_request *q, uint64_t newdir, unsigned flags)
{
        struct share_inode *from, *to;
        int old = open_parent(s, q->head->nodeid, &from), new = old < 0 ? old : open_parent(s, newdir, &to);

        if (new < 0)
                return new;
        if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
                return -EINVAL;
        if (!(flags & RENAME_EXCHANGE))
                share_inode_unlinking(s, to, q->second);
        /* The C library has another call for no flags. */
        if (syscall(SYS_renameat2, old, q->name, new, q->second, flags) < 0)
                return -errno;
        share_inode_moved(s, to, q->second);
        if (flags & RENAME_EXCHANGE)
                share_inode_moved(s, from, q->name);
        return 0;
}

int share_op_rename(struct share_server *s, const struct share_request *q)
{
        const struct fuse_rename_in *in = q->arg;

        return move(s, q, in->newdir, 0);
}

int share_op_rename2(struct share_server *s, const struct share_request *q)
{
        const struct fuse_rename2_in *in = q->arg;

        return move(s, q, in->newdir, in->flags);
}

/* ---- CREATE ---- */

/* What is there already may be anything, and is opened as what it is. */
static int open_existing(struct share_server *s, const struct share_request *q, int flags)
{
        struct fuse_entry_out entry;
        struct share_inode *parent = share_inode_find(s, q->head->nodeid), *i;
        int r = share_inode_look_up(s, parent, q->name, &entry);

        if (r < 0)
                return r;
        i = share_inode_find(s, entry.nodeid);
        r = i->type == S_IFREG ? share_reopen(s, i, flags) : -EEXIST;
        share_inode_forget(s, entry.nodeid, 1);
        return r;
}

static int create(struct share_server *s, const struct share_request *q, int dir)
{
        const struct fuse_create_in *in = q->arg;
        int flags = (int)in->flags & OPEN_FLAGS, fd, r = begin(q);

        if (r < 0)
                return r;
        fd = openat(dir, q->name, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, in->mode & 07777);
        r = fd < 0 ? -errno : fd;
        end(q);
        return r == -EEXIST && !(in->flags & O_EXCL) ? open_existing(s, q, flags) : r;
}

static int answer_open(struct share_server *s, const struct share_request *q, int fd)
{
        struct {
                struct fuse_entry_out entry;
                struct fuse_open_out open;
        } *out = share_answer_of(s, sizeof *out);
        struct share_inode *parent = share_inode_find(s, q->head->nodeid);
        int r = share_inode_look_up(s, parent, q->name, &out->entry);

        if (r < 0) {
                close(fd);
                return r;
        }
        r = share_handle_add(s, fd, share_inode_find(s, out->entry.nodeid), false, &out->open.fh);
        if (r < 0)
                share_inode_forget(s, out->entry.nodeid, 1);
        return r;
}

int share_op_create(struct share_server *s, const struct share_request *q)
{
        const struct fuse_create_in *in = q->arg;
        struct share_inode *parent;
        int dir = open_parent(s, q->head->nodeid, &parent), fd;

        if (dir < 0)
                return dir;
        if (in->open_flags & FUSE_OPEN_KILL_SUIDGID)
                share_kill_privileges(true);
        fd = create(s, q, dir);
        if (in->open_flags & FUSE_OPEN_KILL_SUIDGID)
                share_kill_privileges(false);
        return fd < 0 ? fd : answer_open(s, q, fd);
}
