/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes: the host's kernel says who may set which. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/xattr.h>

#include "base/own.h"
#include "share/server.h"

/* The path of what has any. */
static int find(struct share_server *s, const struct share_request *q, char ret[16])
{
        struct share_inode *i = share_inode_find(s, q->head->nodeid);

        if (!i)
                return -ESTALE;
        return i->type == S_IFREG || (i->type == S_IFDIR && q->head->nodeid != FUSE_ROOT_ID)
                       ? share_inode_path(s, i, ret)
                       : -EOPNOTSUPP;
}

/* size: what the guest has room for; 0: it wants to know how long it is. */
static int answer(struct share_server *s, size_t size, ssize_t n)
{
        if (n < 0)
                return -errno;
        if (size)
                s->n_answer = (size_t)n;
        else
                *(struct fuse_getxattr_out *)share_answer_of(s, sizeof(struct fuse_getxattr_out)) =
                        (struct fuse_getxattr_out){ .size = (uint32_t)n };
        return 0;
}

static size_t room(const struct fuse_getxattr_in *in)
{
        return in->size < XATTR_SIZE_MAX ? in->size : XATTR_SIZE_MAX;
}

int share_op_getxattr(struct share_server *s, const struct share_request *q)
{
        const struct fuse_getxattr_in *in = q->arg;
        char path[16];
        int r = find(s, q, path);

        return r < 0 ? r : answer(s, in->size, getxattr(path, q->name, s->answer, room(in)));
}

int share_op_listxattr(struct share_server *s, const struct share_request *q)
{
        const struct fuse_getxattr_in *in = q->arg;
        char path[16];
        int r = find(s, q, path);

        return r < 0 ? r : answer(s, in->size, listxattr(path, (char *)s->answer, room(in)));
}

int share_op_setxattr(struct share_server *s, const struct share_request *q)
{
        const struct fuse_setxattr_in *in = q->arg;
        char path[16];
        int r = find(s, q, path);

        if (r == 0 && in->size > q->n_rest)
                r = -EINVAL;
        if (r == 0 && setxattr(path, q->name, q->rest, in->size, (int)in->flags) < 0)
                r = -errno;
        return r;
}

int share_op_removexattr(struct share_server *s, const struct share_request *q)
{
        char path[16];
        int r = find(s, q, path);

        if (r == 0 && removexattr(path, q->name) < 0)
                r = -errno;
        return r;
}
