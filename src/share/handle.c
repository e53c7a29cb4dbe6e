/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "share/server.h"
#include "sys/capability.h"

/* CAP_FSETID of linux/capability.h */
enum { KEEP_SET_ID = 4 };

static int find_free(struct share_server *s, size_t *ret)
{
        for (size_t n = 0; n < s->n_handles; n++) {
                if (s->handles[n].fd < 0) {
                        *ret = n;
                        return 0;
                }
        }
        if (array_grow(&s->handles, &s->cap_handles, s->n_handles + 1, sizeof *s->handles) < 0)
                return -ENOMEM;
        *ret = s->n_handles++;
        return 0;
}

int share_handle_add(struct share_server *s, int fd, struct share_inode *i, bool is_directory, uint64_t *ret)
{
        size_t n;
        int r = s->n_files + SHARE_SPARE_FILES / 2 > s->max_files ? -ENFILE : find_free(s, &n);

        if (r < 0) {
                close(fd);
                return r;
        }
        s->handles[n] =
                (struct share_handle){ .fd = fd, .inode = (uint32_t)(i - s->inodes), .is_directory = is_directory };
        s->n_files++;
        i->opened++;
        *ret = s->base + n + 1;
        return 0;
}

struct share_handle *share_handle_find(struct share_server *s, uint64_t number, bool is_directory)
{
        uint64_t n = number - s->base - 1;
        struct share_handle *h = n < s->n_handles ? &s->handles[n] : NULL;

        return h && h->fd >= 0 && h->is_directory == is_directory ? h : NULL;
}

void share_handle_close(struct share_server *s, struct share_handle *h)
{
        close(take_fd(&h->fd));
        s->n_files--;
        s->may_unlock = true;
        s->inodes[h->inode].opened--;
        /* It may have been forgotten meanwhile. */
        share_inode_forget(s, share_inode_number(s, &s->inodes[h->inode]), 0);
}

/* Its descriptor is only a place: what it may do is asked for here. */
int share_reopen(struct share_server *s, struct share_inode *i, int flags)
{
        char path[16];
        int fd, r;

        if (i->type != S_IFREG && i->type != S_IFDIR)
                return -EINVAL;
        r = share_inode_path(s, i, path);
        if (r < 0)
                return r;
        fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

void share_kill_privileges(bool on)
{
        struct capability_sets c;

        if (capability_get(&c) < 0)
                return;
        c.effective = on ? c.effective & ~(1ULL << KEEP_SET_ID) : c.effective | (c.permitted & 1ULL << KEEP_SET_ID);
        capability_set(&c);
}
