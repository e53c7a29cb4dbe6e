/* SPDX-License-Identifier: Apache-2.0 */
/* What came is looked at here first: an operation finds its arguments whole. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/own.h"
#include "share/server.h"

static share_operation nothing, done;

struct operation {
        share_operation *run;
        uint16_t arguments; /* bytes */
        uint8_t names;
        bool are_entries; /* the names: of a directory */
};

/* An operation that is not here is ENOSYS to the guest's kernel, which then does without. */
static const struct operation operations[] = {
        [FUSE_LOOKUP] = { share_op_lookup, 0, 1, true },
        [FUSE_FORGET] = { share_op_forget, sizeof(struct fuse_forget_in) },
        [FUSE_GETATTR] = { share_op_getattr, sizeof(struct fuse_getattr_in) },
        [FUSE_SETATTR] = { share_op_setattr, sizeof(struct fuse_setattr_in) },
        [FUSE_READLINK] = { share_op_readlink },
        [FUSE_SYMLINK] = { share_op_symlink, 0, 2 },
        [FUSE_MKNOD] = { share_op_mknod, sizeof(struct fuse_mknod_in), 1, true },
        [FUSE_MKDIR] = { share_op_mkdir, sizeof(struct fuse_mkdir_in), 1, true },
        [FUSE_UNLINK] = { share_op_unlink, 0, 1, true },
        [FUSE_RMDIR] = { share_op_rmdir, 0, 1, true },
        [FUSE_RENAME] = { share_op_rename, sizeof(struct fuse_rename_in), 2, true },
        [FUSE_LINK] = { share_op_link, sizeof(struct fuse_link_in), 1, true },
        [FUSE_OPEN] = { share_op_open, sizeof(struct fuse_open_in) },
        [FUSE_READ] = { share_op_read, sizeof(struct fuse_read_in) },
        [FUSE_WRITE] = { share_op_write, sizeof(struct fuse_write_in) },
        [FUSE_STATFS] = { share_op_statfs },
        [FUSE_RELEASE] = { share_op_release, sizeof(struct fuse_release_in) },
        [FUSE_FSYNC] = { share_op_fsync, sizeof(struct fuse_fsync_in) },
        [FUSE_SETXATTR] = { share_op_setxattr, FUSE_COMPAT_SETXATTR_IN_SIZE, 1 },
        [FUSE_GETXATTR] = { share_op_getxattr, sizeof(struct fuse_getxattr_in), 1 },
        [FUSE_LISTXATTR] = { share_op_listxattr, sizeof(struct fuse_getxattr_in) },
        [FUSE_REMOVEXATTR] = { share_op_removexattr, 0, 1 },
        [FUSE_FLUSH] = { share_op_flush, sizeof(struct fuse_flush_in) },
        [FUSE_INIT] = { share_op_init, offsetof(struct fuse_init_in, flags2) },
        [FUSE_OPENDIR] = { share_op_opendir, sizeof(struct fuse_open_in) },
        [FUSE_READDIR] = { share_op_readdir, sizeof(struct fuse_read_in) },
        [FUSE_RELEASEDIR] = { share_op_releasedir, sizeof(struct fuse_release_in) },
        [FUSE_FSYNCDIR] = { share_op_fsync, sizeof(struct fuse_fsync_in) },
        [FUSE_GETLK] = { share_op_getlk, sizeof(struct fuse_lk_in) },
        [FUSE_SETLK] = { share_op_setlk, sizeof(struct fuse_lk_in) },
        [FUSE_SETLKW] = { share_op_setlkw, sizeof(struct fuse_lk_in) },
        [FUSE_CREATE] = { share_op_create, sizeof(struct fuse_create_in), 1, true },
        [FUSE_INTERRUPT] = { share_op_interrupt, sizeof(struct fuse_interrupt_in) },
        [FUSE_DESTROY] = { done },
        [FUSE_NOTIFY_REPLY] = { nothing },
        [FUSE_BATCH_FORGET] = { share_op_batch_forget, sizeof(struct fuse_batch_forget_in) },
        [FUSE_FALLOCATE] = { share_op_fallocate, sizeof(struct fuse_fallocate_in) },
        [FUSE_READDIRPLUS] = { share_op_readdirplus, sizeof(struct fuse_read_in) },
        [FUSE_RENAME2] = { share_op_rename2, sizeof(struct fuse_rename2_in), 2, true },
        [FUSE_LSEEK] = { share_op_lseek, sizeof(struct fuse_lseek_in) },
        [FUSE_COPY_FILE_RANGE] = { share_op_copy_file_range, sizeof(struct fuse_copy_file_range_in) },
};

static int nothing(struct share_server *s, const struct share_request *q)
{
        return SHARE_NO_ANSWER;
}

static int done(struct share_server *s, const struct share_request *q)
{
        return 0;
}

bool share_is_name(const char *name)
{
        size_t len = strlen(name);

        return len && len <= NAME_MAX && !memchr(name, '/', len) && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* NULL: it has no end. */
static const char *take_name(struct share_request *q)
{
        const char *name = (const char *)q->rest;
        const char *end = q->n_rest ? memchr(name, '\0', q->n_rest) : NULL;

        if (!end)
                return NULL;
        q->n_rest -= (size_t)(end + 1 - name);
        q->rest += end + 1 - name;
        return name;
}

static int take_names(const struct operation *o, struct share_request *q)
{
        if (o->names > 0 && !(q->name = take_name(q)))
                return -EINVAL;
        if (o->names > 1 && !(q->second = take_name(q)))
                return -EINVAL;
        if (!o->are_entries || !q->name)
                return 0;
        return share_is_name(q->name) && (!q->second || share_is_name(q->second)) ? 0 : -EINVAL;
}

static int run(struct share_server *s, const struct fuse_in_header *head)
{
        const struct operation *o = head->opcode < ARRAY_SIZE(operations) ? &operations[head->opcode] : NULL;
        struct share_request q = { .head = head,
                                   .arg = head + 1,
                                   .rest = (const unsigned char *)(head + 1),
                                   .n_rest = head->len - sizeof *head };
        int r;

        if (!o || !o->run)
                return -ENOSYS;
        if (q.n_rest < o->arguments)
                return -EINVAL;
        q.rest += o->arguments;
        q.n_rest -= o->arguments;
        r = take_names(o, &q);
        if (r < 0)
                return r;
        return s->greeted || head->opcode == FUSE_INIT ? o->run(s, &q) : -EIO;
}

static bool wants_no_answer(uint32_t opcode)
{
        return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_INTERRUPT;
}

void share_request_serve(struct share_server *s, const struct fuse_in_header *head)
{
        int r;

        s->n_answer = 0;
        r = run(s, head);
        if (r <= 0 && !wants_no_answer(head->opcode))
                share_answer(s, head->unique, r);
        if (s->may_unlock && s->n_waiting)
                share_lock_retry(s);
        s->may_unlock = false;
}
