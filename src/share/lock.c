/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks, which hold against the host's own programs as well. A lock of fcntl(2) is its owner's: an open file of the
 * host stands for him, and F_OFD_SETLK gives it the lock. A lock of flock(2) is of the open file itself. One that has
 * to be waited for is tried again and again: nothing else of the guest shall wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "share/server.h"

/* ---- owners ---- */

static struct share_lock_owner *find_owner(const struct share_inode *i, uint64_t owner)
{
        struct share_lock_owner *o = i->locks;

        while (o && o->owner != owner)
                o = o->next;
        return o;
}

static int add_owner(struct share_server *s, struct share_inode *i, uint64_t owner, struct share_lock_owner **ret)
{
        struct share_lock_owner *o;
        int fd;

        if (s->n_files + SHARE_SPARE_FILES / 2 > s->max_files)
                return -ENOLCK;
        fd = share_reopen(s, i, O_RDWR);
        if (fd == -EROFS || fd == -EACCES || fd == -EPERM || fd == -ETXTBSY)
                fd = share_reopen(s, i, O_RDONLY);
        if (fd < 0)
                return fd;
        o = malloc(sizeof *o);
        if (!o) {
                close(fd);
                return -ENOLCK;
        }
        *o = (struct share_lock_owner){ .next = i->locks, .owner = owner, .fd = fd };
        i->locks = o;
        s->n_files++;
        *ret = o;
        return 0;
}

/* Its descriptor goes, and with it the locks. */
static void free_owner(struct share_server *s, struct share_lock_owner *o)
{
        close(o->fd);
        free(o);
        s->n_files--;
        s->may_unlock = true;
}

void share_lock_drop(struct share_server *s, struct share_inode *i, uint64_t owner)
{
        struct share_lock_owner **p = &i->locks, *o;

        while (*p && (*p)->owner != owner)
                p = &(*p)->next;
        o = *p;
        if (!o)
                return;
        *p = o->next;
        free_owner(s, o);
}

void share_lock_drop_all(struct share_server *s, struct share_inode *i)
{
        while (i->locks) {
                struct share_lock_owner *o = i->locks;

                i->locks = o->next;
                free_owner(s, o);
        }
}

/* ---- one lock ---- */

static int read_lock(const struct fuse_lk_in *in, struct flock *ret)
{
        if (in->lk.start > INT64_MAX || in->lk.end < in->lk.start)
                return -EINVAL;
        *ret = (struct flock){ .l_type = (short)in->lk.type, .l_whence = SEEK_SET, .l_start = (off_t)in->lk.start };
        if (in->lk.end < INT64_MAX)
                ret->l_len = (off_t)(in->lk.end - in->lk.start + 1);
        return 0;
}

static int lock_range(struct share_server *s, struct share_inode *i, const struct fuse_lk_in *in)
{
        struct share_lock_owner *o = find_owner(i, in->owner);
        struct flock lock;
        int r = i->type == S_IFREG ? read_lock(in, &lock) : -EINVAL;

        if (r == 0 && !o) {
                if (lock.l_type == F_UNLCK)
                        return 0;
                r = add_owner(s, i, in->owner, &o);
        }
        if (r < 0)
                return r;
        s->may_unlock |= lock.l_type != F_WRLCK;
        return fcntl(o->fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

static int lock_file(struct share_server *s, const struct fuse_lk_in *in)
{
        const struct share_handle *h = share_handle_find(s, in->fh, false);
        int how = in->lk.type == F_RDLCK ? LOCK_SH : in->lk.type == F_WRLCK ? LOCK_EX : LOCK_UN;

        if (!h)
                h = share_handle_find(s, in->fh, true);
        if (!h)
                return -ESTALE;
        s->may_unlock |= how != LOCK_EX;
        return flock(h->fd, how | LOCK_NB) < 0 ? -errno : 0;
}

/* -EAGAIN: another has it. */
static int try(struct share_server *s, uint64_t nodeid, const struct fuse_lk_in *in)
{
        struct share_inode *i = share_inode_find(s, nodeid);
        int r = !i ? -ESTALE : in->lk_flags & FUSE_LK_FLOCK ? lock_file(s, in) : lock_range(s, i, in);

        return r == -EACCES ? -EAGAIN : r;
}

/* ---- requests ---- */

int share_op_setlk(struct share_server *s, const struct share_request *q)
{
        return try(s, q->head->nodeid, q->arg);
}

int share_op_setlkw(struct share_server *s, const struct share_request *q)
{
        const struct fuse_lk_in *in = q->arg;
        int r = try(s, q->head->nodeid, in);

        if (r != -EAGAIN)
                return r;
        if (s->n_waiting == SHARE_MAX_WAITING)
                return -ENOLCK;
        s->waiting[s->n_waiting++] =
                (struct share_waiting){ .unique = q->head->unique, .nodeid = q->head->nodeid, .lock = *in };
        return SHARE_NO_ANSWER;
}

static void take_from_waiting(struct share_server *s, size_t n, int result)
{
        uint64_t unique = s->waiting[n].unique;

        memmove(s->waiting + n, s->waiting + n + 1, (--s->n_waiting - n) * sizeof *s->waiting);
        s->n_answer = 0;
        share_answer(s, unique, result);
}

/* In the order in which they came. */
void share_lock_retry(struct share_server *s)
{
        for (size_t n = 0; n < s->n_waiting;) {
                int r = try(s, s->waiting[n].nodeid, &s->waiting[n].lock);

                if (r == -EAGAIN)
                        n++;
                else
                        take_from_waiting(s, n, r);
        }
}

/* Only who waits for a lock can be interrupted. */
int share_op_interrupt(struct share_server *s, const struct share_request *q)
{
        const struct fuse_interrupt_in *in = q->arg;

        for (size_t n = 0; n < s->n_waiting; n++) {
                if (s->waiting[n].unique == in->unique) {
                        take_from_waiting(s, n, -EINTR);
                        break;
                }
        }
        return SHARE_NO_ANSWER;
}

int share_op_getlk(struct share_server *s, const struct share_request *q)
{
        struct share_inode *i = share_inode_find(s, q->head->nodeid);
        const struct fuse_lk_in *in = q->arg;
        struct fuse_lk_out *out = share_answer_of(s, sizeof *out);
        struct share_lock_owner *o = i ? find_owner(i, in->owner) : NULL;
        struct flock lock;
        int r = !i ? -ESTALE : i->type == S_IFREG ? read_lock(in, &lock) : -EINVAL;

        if (r == 0 && !o)
                r = add_owner(s, i, in->owner, &o);
        if (r < 0)
                return r;
        if (fcntl(o->fd, F_OFD_GETLK, &lock) < 0)
                return -errno;
        out->lk.type = (uint32_t)lock.l_type;
        out->lk.start = (uint64_t)lock.l_start;
        out->lk.end = lock.l_len ? (uint64_t)(lock.l_start + lock.l_len - 1) : INT64_MAX;
        return 0;
}

/* An owner has closed one of his descriptors of the file: all his locks of it are gone. */
int share_op_flush(struct share_server *s, const struct share_request *q)
{
        struct share_inode *i = share_inode_find(s, q->head->nodeid);
        const struct fuse_flush_in *in = q->arg;

        if (i)
                share_lock_drop(s, i, in->lock_owner);
        return i ? 0 : -ESTALE;
}
