/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "share/server.h"

/* getdents64(2) */
struct entry {
        uint64_t number;
        int64_t next;
        uint16_t len;
        uint8_t type;
        char name[];
};

enum { LEAST = 512, PLUS_SHARE = 4 };

int share_op_opendir(struct share_server *s, const struct share_request *q)
{
        struct share_inode *i = share_inode_find(s, q->head->nodeid);
        struct fuse_open_out *out = share_answer_of(s, sizeof *out);
        int fd;

        if (!i || i->type != S_IFDIR)
                return i ? -ENOTDIR : -ESTALE;
        fd = share_reopen(s, i, O_RDONLY | O_DIRECTORY);
        return fd < 0 ? fd : share_handle_add(s, fd, i, true, &out->fh);
}

int share_op_releasedir(struct share_server *s, const struct share_request *q)
{
        const struct fuse_release_in *in = q->arg;
        struct share_handle *h = share_handle_find(s, in->fh, true);

        if (h)
                share_handle_close(s, h);
        return h ? 0 : -ESTALE;
}

static bool is_dot(const char *name)
{
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Adds one to the answer; false: there is no more room. */
static bool add_entry(struct share_server *s, const struct share_handle *h, const struct entry *e, bool plus,
                      size_t size)
{
        size_t len = strlen(e->name), head = plus ? sizeof(struct fuse_entry_out) : 0,
               all = head + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len);
        unsigned char *at = s->answer + s->n_answer;
        struct fuse_entry_out *known = (void *)at;
        struct fuse_dirent *d = (void *)(at + head);

        if (s->n_answer + all > size)
                return false;
        memset(at, 0, all);
        /* One that is gone again is only a name. */
        if (plus && !is_dot(e->name) && share_inode_look_up(s, &s->inodes[h->inode], e->name, known) < 0)
                *known = (struct fuse_entry_out){};
        d->ino = share_number(s, s->inodes[h->inode].device, e->number);
        d->off = (uint64_t)e->next;
        d->namelen = (uint32_t)len;
        d->type = e->type;
        memcpy(d->name, e->name, len);
        s->n_answer += all;
        return true;
}

/* Not more than fits is read: what does not is read again. */
static int list(struct share_server *s, struct share_handle *h, const struct fuse_read_in *in, bool plus)
{
        size_t size = in->size < SHARE_MAX_LISTING ? in->size : SHARE_MAX_LISTING,
               room = plus ? size / PLUS_SHARE : size;
        long n;

        if (h->position != in->offset && lseek(h->fd, (off_t)in->offset, SEEK_SET) < 0)
                return -errno;
        n = syscall(SYS_getdents64, h->fd, s->entries, room > LEAST ? room : LEAST);
        if (n < 0)
                return -errno;
        h->position = in->offset;
        for (long at = 0; at < n;) {
                const struct entry *e = (const void *)(s->entries + at);

                if (!add_entry(s, h, e, plus, size)) {
                        /* Where the kernel stands is behind it. */
                        h->position = UINT64_MAX;
                        break;
                }
                h->position = (uint64_t)e->next;
                at += e->len;
        }
        return 0;
}

static int answer_list(struct share_server *s, const struct share_request *q, bool plus)
{
        const struct fuse_read_in *in = q->arg;
        struct share_handle *h = share_handle_find(s, in->fh, true);

        return h ? list(s, h, in, plus) : -ESTALE;
}

int share_op_readdir(struct share_server *s, const struct share_request *q)
{
        return answer_list(s, q, false);
}

int share_op_readdirplus(struct share_server *s, const struct share_request *q)
{
        return answer_list(s, q, true);
}
