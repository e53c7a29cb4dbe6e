/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "share/server.h"

enum { OPEN_FLAGS = O_ACCMODE | O_APPEND | O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME, MAX_COPY = 64 << 20 };

/* What the guest has of its pages is good as long as nobody but itself could have changed the file. */
static bool is_unchanged(struct share_inode *i, int fd)
{
        struct statx st;
        bool same;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_SIZE | STATX_CTIME, &st) < 0)
                return false;
        same = i->changed.tv_sec == st.stx_ctime.tv_sec && i->changed.tv_nsec == (long)st.stx_ctime.tv_nsec &&
               i->size == st.stx_size;
        i->changed = (struct timespec){ .tv_sec = st.stx_ctime.tv_sec, .tv_nsec = (long)st.stx_ctime.tv_nsec };
        i->size = st.stx_size;
        return same;
}

int share_op_open(struct share_server *s, const struct share_request *q)
{
        struct share_inode *i = share_inode_find(s, q->head->nodeid);
        const struct fuse_open_in *in = q->arg;
        struct fuse_open_out *out = share_answer_of(s, sizeof *out);
        int fd;

        if (!i || i->type != S_IFREG)
                return i ? -EINVAL : -ESTALE;
        if (in->open_flags & FUSE_OPEN_KILL_SUIDGID)
                share_kill_privileges(true);
        fd = share_reopen(s, i, (int)in->flags & OPEN_FLAGS);
        if (in->open_flags & FUSE_OPEN_KILL_SUIDGID)
                share_kill_privileges(false);
        if (fd < 0)
                return fd;
        out->open_flags = is_unchanged(i, fd) ? FOPEN_KEEP_CACHE : 0;
        return share_handle_add(s, fd, i, false, &out->fh);
}

int share_op_read(struct share_server *s, const struct share_request *q)
{
        const struct fuse_read_in *in = q->arg;
        const struct share_handle *h = share_handle_find(s, in->fh, false);
        ssize_t n;

        if (!h || in->offset > INT64_MAX)
                return h ? -EINVAL : -ESTALE;
        n = pread(h->fd, s->answer, in->size < SHARE_MAX_DATA ? in->size : SHARE_MAX_DATA, (off_t)in->offset);
        if (n < 0)
                return -errno;
        s->n_answer = (size_t)n;
        return 0;
}

int share_op_write(struct share_server *s, const struct share_request *q)
{
        const struct fuse_write_in *in = q->arg;
        const struct share_handle *h = share_handle_find(s, in->fh, false);
        bool kill = in->write_flags & FUSE_WRITE_KILL_SUIDGID;
        struct fuse_write_out *out = share_answer_of(s, sizeof *out);
        ssize_t n;

        if (!h || in->offset > INT64_MAX || in->size > q->n_rest)
                return h ? -EINVAL : -ESTALE;
        if (kill)
                share_kill_privileges(true);
        n = pwrite(h->fd, q->rest, in->size, (off_t)in->offset);
        out->size = (uint32_t)n;
        if (n < 0)
                n = -errno;
        if (kill)
                share_kill_privileges(false);
        return n < 0 ? (int)n : 0;
}

int share_op_release(struct share_server *s, const struct share_request *q)
{
        const struct fuse_release_in *in = q->arg;
        struct share_handle *h = share_handle_find(s, in->fh, false);

        if (h)
                share_handle_close(s, h);
        return h ? 0 : -ESTALE;
}

/* Of files and of directories. */
int share_op_fsync(struct share_server *s, const struct share_request *q)
{
        const struct fuse_fsync_in *in = q->arg;
        const struct share_handle *h = share_handle_find(s, in->fh, q->head->opcode == FUSE_FSYNCDIR);

        if (!h)
                return -ESTALE;
        return (in->fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(h->fd) : fsync(h->fd)) < 0 ? -errno : 0;
}

int share_op_lseek(struct share_server *s, const struct share_request *q)
{
        const struct fuse_lseek_in *in = q->arg;
        const struct share_handle *h = share_handle_find(s, in->fh, false);
        struct fuse_lseek_out *out = share_answer_of(s, sizeof *out);
        off_t at;

        if (!h)
                return -ESTALE;
        at = lseek(h->fd, (off_t)in->offset, (int)in->whence);
        out->offset = (uint64_t)at;
        return at < 0 ? -errno : 0;
}

int share_op_fallocate(struct share_server *s, const struct share_request *q)
{
        const struct fuse_fallocate_in *in = q->arg;
        const struct share_handle *h = share_handle_find(s, in->fh, false);

        if (!h)
                return -ESTALE;
        return fallocate(h->fd, (int)in->mode, (off_t)in->offset, (off_t)in->length) < 0 ? -errno : 0;
}

int share_op_copy_file_range(struct share_server *s, const struct share_request *q)
{
        const struct fuse_copy_file_range_in *in = q->arg;
        const struct share_handle *from = share_handle_find(s, in->fh_in, false),
                                  *to = share_handle_find(s, in->fh_out, false);
        off_t from_at = (off_t)in->off_in, to_at = (off_t)in->off_out;
        /* An answer to others must not wait for ever. */
        size_t len = in->len < MAX_COPY ? (size_t)in->len : MAX_COPY;
        struct fuse_write_out *out = share_answer_of(s, sizeof *out);
        ssize_t n;

        if (!from || !to)
                return -ESTALE;
        n = copy_file_range(from->fd, &from_at, to->fd, &to_at, len, (unsigned)in->flags);
        out->size = (uint32_t)n;
        return n < 0 ? -errno : 0;
}
