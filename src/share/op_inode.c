/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest asks of what it knows already. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "share/server.h"

enum { OLDEST_MINOR = 31, BACKGROUND = 64 };

/* No cache of what is to be written: what the host changes would never be seen. */
int share_op_init(struct share_server *s, const struct share_request *q)
{
        static const uint32_t wanted = FUSE_ASYNC_READ | FUSE_POSIX_LOCKS | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |
                                       FUSE_FLOCK_LOCKS | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS |
                                       FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |
                                       FUSE_CACHE_SYMLINKS | FUSE_HANDLE_KILLPRIV_V2;
        const struct fuse_init_in *in = q->arg;
        struct fuse_init_out *out;

        if (in->major != FUSE_KERNEL_VERSION || in->minor < OLDEST_MINOR)
                return -EPROTO;
        out = share_answer_of(s, sizeof *out);
        *out = (struct fuse_init_out){ .major = FUSE_KERNEL_VERSION,
                                       .minor = FUSE_KERNEL_MINOR_VERSION,
                                       .max_readahead = in->max_readahead,
                                       .flags = in->flags & wanted,
                                       .max_background = BACKGROUND,
                                       .congestion_threshold = BACKGROUND / 4 * 3,
                                       .max_write = SHARE_MAX_DATA,
                                       .time_gran = 1,
                                       .max_pages = SHARE_MAX_DATA / 4096 };
        s->greeted = true;
        return 0;
}

int share_op_lookup(struct share_server *s, const struct share_request *q)
{
        struct share_inode *parent = share_inode_find(s, q->head->nodeid);
        struct fuse_entry_out *out = share_answer_of(s, sizeof *out);
        int r = parent ? share_inode_look_up(s, parent, q->name, out) : -ESTALE;

        if (r != -ENOENT)
                return r;
        /* That there is nothing is remembered as well. */
        *out = (struct fuse_entry_out){ .entry_valid = SHARE_VALID_SECONDS };
        return 0;
}

int share_op_forget(struct share_server *s, const struct share_request *q)
{
        const struct fuse_forget_in *in = q->arg;

        share_inode_forget(s, q->head->nodeid, in->nlookup);
        return SHARE_NO_ANSWER;
}

int share_op_batch_forget(struct share_server *s, const struct share_request *q)
{
        const struct fuse_batch_forget_in *in = q->arg;
        const struct fuse_forget_one *one = (const void *)(in + 1);

        for (uint32_t n = 0; n < in->count && n < q->n_rest / sizeof *one; n++)
                share_inode_forget(s, one[n].nodeid, one[n].nlookup);
        return SHARE_NO_ANSWER;
}

static int answer_attributes(struct share_server *s, struct share_inode *i)
{
        struct fuse_attr_out *out = share_answer_of(s, sizeof *out);
        struct statx st;
        int r = share_inode_stat(s, i, &st);

        if (r < 0)
                return r;
        out->attr_valid = SHARE_VALID_SECONDS;
        share_attributes(s, &st, &out->attr);
        return 0;
}

int share_op_getattr(struct share_server *s, const struct share_request *q)
{
        struct share_inode *i = share_inode_find(s, q->head->nodeid);

        return i ? answer_attributes(s, i) : -ESTALE;
}

/* ---- SETATTR ---- */

static int set_owner(int fd, const struct fuse_setattr_in *in)
{
        uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
        gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;

        return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int set_size(struct share_server *s, struct share_inode *i, const struct fuse_setattr_in *in)
{
        const struct share_handle *h = in->valid & FATTR_FH ? share_handle_find(s, in->fh, false) : NULL;
        own_fd int fd = -1;

        if (in->size > INT64_MAX)
                return -EFBIG;
        if (!h) {
                fd = i->type == S_IFREG ? share_reopen(s, i, O_WRONLY) : -EINVAL;
                if (fd < 0)
                        return fd;
        }
        return ftruncate(h ? h->fd : fd, (off_t)in->size) < 0 ? -errno : 0;
}

static struct timespec time_of(uint32_t valid, uint32_t given, uint32_t now, uint64_t seconds, uint32_t ns)
{
        if (!(valid & given))
                return (struct timespec){ .tv_nsec = UTIME_OMIT };
        if (valid & now || ns >= 1000000000)
                return (struct timespec){ .tv_nsec = UTIME_NOW };
        return (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = ns };
}

static int set_times(int fd, const struct fuse_setattr_in *in)
{
        const struct timespec times[2] = {
                time_of(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime, in->atimensec),
                time_of(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime, in->mtimensec),
        };

        return syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* The owner first: to change him takes set-user-ID away, which the mode may want. */
static int set_attributes(struct share_server *s, struct share_inode *i, const struct fuse_setattr_in *in)
{
        int fd = share_inode_open(s, i), r = fd < 0 ? fd : 0;
        char path[16];

        if (r == 0 && in->valid & (FATTR_UID | FATTR_GID))
                r = set_owner(fd, in);
        if (r == 0 && in->valid & FATTR_MODE) {
                r = share_inode_path(s, i, path);
                if (r == 0 && fchmodat(AT_FDCWD, path, in->mode & 07777, 0) < 0)
                        r = -errno;
        }
        if (r == 0 && in->valid & FATTR_SIZE)
                r = set_size(s, i, in);
        if (r == 0 && in->valid & (FATTR_ATIME | FATTR_MTIME))
                r = set_times(fd, in);
        return r;
}

int share_op_setattr(struct share_server *s, const struct share_request *q)
{
        struct share_inode *i = share_inode_find(s, q->head->nodeid);
        const struct fuse_setattr_in *in = q->arg;
        int r;

        if (!i)
                return -ESTALE;
        if (in->valid & FATTR_KILL_SUIDGID)
                share_kill_privileges(true);
        r = set_attributes(s, i, in);
        if (in->valid & FATTR_KILL_SUIDGID)
                share_kill_privileges(false);
        return r < 0 ? r : answer_attributes(s, i);
}

/* ---- others ---- */

int share_op_statfs(struct share_server *s, const struct share_request *q)
{
        struct share_inode *i = share_inode_find(s, q->head->nodeid);
        struct fuse_statfs_out *out = share_answer_of(s, sizeof *out);
        struct statfs st;
        int fd;

        if (!i)
                return -ESTALE;
        if (q->head->nodeid == FUSE_ROOT_ID) {
                out->st = (struct fuse_kstatfs){ .bsize = 4096, .frsize = 4096, .namelen = NAME_MAX };
                return 0;
        }
        fd = share_inode_open(s, i);
        if (fd < 0)
                return fd;
        if (fstatfs(fd, &st) < 0)
                return -errno;
        out->st = (struct fuse_kstatfs){ .blocks = st.f_blocks,
                                         .bfree = st.f_bfree,
                                         .bavail = st.f_bavail,
                                         .files = st.f_files,
                                         .ffree = st.f_ffree,
                                         .bsize = (uint32_t)st.f_bsize,
                                         .namelen = (uint32_t)st.f_namelen,
                                         .frsize = (uint32_t)st.f_frsize };
        return 0;
}

int share_op_readlink(struct share_server *s, const struct share_request *q)
{
        struct share_inode *i = share_inode_find(s, q->head->nodeid);
        int fd = !i ? -ESTALE : i->type != S_IFLNK ? -EINVAL : share_inode_open(s, i);
        ssize_t n = fd < 0 ? 0 : readlinkat(fd, "", (char *)s->answer, PATH_MAX);

        if (fd < 0)
                return fd;
        if (n < 0)
                return -errno;
        s->n_answer = (size_t)n;
        return 0;
}
