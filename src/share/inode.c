/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "share/server.h"

enum { WANTED = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, MAX_DEPTH = 4096 };

uint64_t share_inode_number(const struct share_server *s, const struct share_inode *i)
{
        return (uint64_t)(i - s->inodes) + FUSE_ROOT_ID + (i->name ? s->base : 0);
}

struct share_inode *share_inode_find(struct share_server *s, uint64_t nodeid)
{
        size_t n = (uint32_t)(nodeid - FUSE_ROOT_ID);
        struct share_inode *i = n < s->n_inodes ? &s->inodes[n] : NULL;

        if (!i || !i->is_used || share_inode_number(s, i) != nodeid)
                return NULL;
        i->is_recent = true;
        return i;
}

static bool is_top(const struct share_server *s, const struct share_inode *i)
{
        return i == s->inodes;
}

/* ---- who it is ---- */

static uint64_t born_of(const struct statx *st)
{
        return st->stx_mask & STATX_BTIME ? (uint64_t)st->stx_btime.tv_sec * 1000000000 + st->stx_btime.tv_nsec : 0;
}

static bool is_same(const struct share_inode *i, const struct statx *st)
{
        return i->number == st->stx_ino && i->device == makedev(st->stx_dev_major, st->stx_dev_minor) &&
               i->mount == st->stx_mnt_id && i->born == born_of(st) && i->type == (st->stx_mode & S_IFMT);
}

static void become(struct share_inode *i, const struct statx *st)
{
        i->number = st->stx_ino;
        i->device = makedev(st->stx_dev_major, st->stx_dev_minor);
        i->mount = st->stx_mnt_id;
        i->born = born_of(st);
        i->type = st->stx_mode & S_IFMT;
}

static uint32_t *bucket_of(const struct share_server *s, const struct statx *st)
{
        uint64_t h = (st->stx_ino ^ ((uint64_t)st->stx_mnt_id << 40)) * 0x9e3779b97f4a7c15;

        return &s->buckets[h >> 48 & (SHARE_BUCKETS - 1)];
}

static uint32_t *bucket_of_inode(const struct share_server *s, const struct share_inode *i)
{
        const struct statx st = { .stx_ino = i->number, .stx_mnt_id = i->mount };

        return bucket_of(s, &st);
}

static struct share_inode *find_same(struct share_server *s, const struct statx *st)
{
        for (uint32_t n = *bucket_of(s, st); n != SHARE_NONE; n = s->inodes[n].next)
                if (is_same(&s->inodes[n], st))
                        return &s->inodes[n];
        return NULL;
}

static int look(int dir, const char *name, struct statx *ret)
{
        return statx(dir, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, WANTED, ret) < 0 ? -errno : 0;
}

/* Files of several file systems are of one to the guest: their numbers shall differ. */
uint64_t share_number(struct share_server *s, uint64_t device, uint64_t number)
{
        size_t n = 0;

        while (n < s->n_devices && s->devices[n] != device)
                n++;
        if (n == s->n_devices && n < ARRAY_SIZE(s->devices))
                s->devices[s->n_devices++] = device;
        return number ^ (uint64_t)n << 48;
}

void share_attributes(struct share_server *s, const struct statx *st, struct fuse_attr *ret)
{
        *ret = (struct fuse_attr){ .ino = share_number(s, makedev(st->stx_dev_major, st->stx_dev_minor), st->stx_ino),
                                   .size = st->stx_size,
                                   .blocks = st->stx_blocks,
                                   .atime = (uint64_t)st->stx_atime.tv_sec,
                                   .mtime = (uint64_t)st->stx_mtime.tv_sec,
                                   .ctime = (uint64_t)st->stx_ctime.tv_sec,
                                   .atimensec = st->stx_atime.tv_nsec,
                                   .mtimensec = st->stx_mtime.tv_nsec,
                                   .ctimensec = st->stx_ctime.tv_nsec,
                                   .mode = st->stx_mode,
                                   .nlink = st->stx_nlink,
                                   .uid = st->stx_uid,
                                   .gid = st->stx_gid,
                                   .rdev = (uint32_t)makedev(st->stx_rdev_major, st->stx_rdev_minor),
                                   .blksize = st->stx_blksize };
}

/* ---- the table ---- */

/* Pointers to others become invalid. */
static int take_free(struct share_server *s, uint32_t *ret)
{
        if (s->free_inode != SHARE_NONE) {
                *ret = s->free_inode;
                s->free_inode = s->inodes[*ret].next;
        } else {
                if (s->n_inodes >= SHARE_MAX_INODES)
                        return -ENFILE;
                if (array_grow(&s->inodes, &s->cap_inodes, s->n_inodes + 1, sizeof *s->inodes) < 0)
                        return -ENOMEM;
                *ret = (uint32_t)s->n_inodes++;
        }
        s->inodes[*ret] = (struct share_inode){ .fd = -1, .generation = ++s->generation, .is_used = true };
        s->n_used++;
        return 0;
}

static void give_back(struct share_server *s, struct share_inode *i)
{
        free(i->name);
        *i = (struct share_inode){ .fd = -1, .next = s->free_inode };
        s->free_inode = (uint32_t)(i - s->inodes);
        s->n_used--;
}

/* A guest keeps what it has seen, until its memory is short: it is asked to let go before there are too many. */
static void watch_number(struct share_server *s)
{
        if (s->n_used < SHARE_MAX_INODES / 2)
                s->asked_at = (size_t)SHARE_MAX_INODES / 4 * 3;
        if (s->n_used < s->asked_at)
                return;
        share_ask_to_drop_caches(s);
        s->asked_at = s->n_used + SHARE_MAX_INODES / 16;
}

int share_inode_add_root(struct share_server *s, int fd)
{
        struct statx st = { .stx_mode = S_IFDIR };
        struct share_inode *i;
        uint32_t n = SHARE_NONE;
        int r = fd < 0 ? 0 : look(fd, "", &st);

        if (r == 0)
                r = take_free(s, &n);
        if (r < 0)
                return r;
        i = &s->inodes[n];
        become(i, &st);
        i->lookups = 1;
        i->fd = fd;
        return 0;
}

static int add(struct share_server *s, uint32_t parent, const char *name, const struct statx *st,
               struct share_inode **ret)
{
        struct share_inode *i;
        uint32_t n = SHARE_NONE, *bucket;
        int r = take_free(s, &n);

        if (r < 0)
                return r;
        i = &s->inodes[n];
        become(i, st);
        r = share_name_set(&i->name, name);
        if (r < 0) {
                give_back(s, i);
                return r;
        }
        i->parent = parent;
        s->inodes[parent].children++;
        bucket = bucket_of(s, st);
        i->next = *bucket;
        *bucket = n;
        *ret = i;
        watch_number(s);
        return 0;
}

static void close_fd(struct share_server *s, struct share_inode *i)
{
        if (i->fd < 0 || !i->name)
                return;
        close(take_fd(&i->fd));
        s->n_files--;
}

static void take_out(struct share_server *s, struct share_inode *i)
{
        uint32_t *p = bucket_of_inode(s, i);

        while (*p != (uint32_t)(i - s->inodes))
                p = &s->inodes[*p].next;
        *p = i->next;
}

/* With it, those above it that were kept for it alone. */
static void release(struct share_server *s, struct share_inode *i)
{
        while (i->name && !i->lookups && !i->children && !i->opened) {
                struct share_inode *parent = &s->inodes[i->parent];

                take_out(s, i);
                share_lock_drop_all(s, i);
                close_fd(s, i);
                give_back(s, i);
                parent->children--;
                i = parent;
        }
}

void share_inode_forget(struct share_server *s, uint64_t nodeid, uint64_t lookups)
{
        struct share_inode *i = share_inode_find(s, nodeid);

        if (!i || !i->name)
                return;
        i->lookups -= lookups < i->lookups ? lookups : i->lookups;
        release(s, i);
}

void share_inode_close_all(struct share_server *s)
{
        for (size_t n = 0; n < s->n_inodes; n++) {
                share_lock_drop_all(s, &s->inodes[n]);
                close_fd(s, &s->inodes[n]);
                free(s->inodes[n].name);
        }
}

/* ---- descriptors ---- */

static int open_child(struct share_server *s, int dir, struct share_inode *i)
{
        own_fd int fd = openat(dir, i->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct statx st = {};
        int r = fd < 0 ? -errno : look(fd, "", &st);

        if (r < 0)
                return r == -ENOENT || r == -ENOTDIR ? -ESTALE : r;
        if (!is_same(i, &st))
                return -ESTALE;
        i->fd = take_fd(&fd);
        s->n_files++;
        return i->fd;
}

/* From the nearest of its parents that is open; nothing else is opened on the way down. */
int share_inode_open(struct share_server *s, struct share_inode *i)
{
        for (unsigned tries = 0; i->fd < 0 && tries < MAX_DEPTH; tries++) {
                struct share_inode *child = i;
                int r;

                if (is_top(s, i))
                        return -EPERM;
                while (s->inodes[child->parent].fd < 0)
                        child = &s->inodes[child->parent];
                r = open_child(s, s->inodes[child->parent].fd, child);
                if (r < 0)
                        return r;
        }
        return i->fd < 0 ? -ELOOP : i->fd;
}

int share_inode_path(struct share_server *s, struct share_inode *i, char ret[16])
{
        int fd = share_inode_open(s, i);

        if (fd < 0)
                return fd;
        snprintf(ret, 16, "%d", fd);
        return 0;
}

static bool can_be_closed(const struct share_inode *i)
{
        return i->fd >= 0 && i->name && !i->opened && !i->is_unlinked && !i->locks;
}

/* Those that were not used since the hand came by last. */
void share_inode_trim(struct share_server *s)
{
        size_t left = 2 * s->n_inodes;

        if (s->n_files + SHARE_SPARE_FILES <= s->max_files)
                return;
        while (left-- && s->n_files + (size_t)2 * SHARE_SPARE_FILES > s->max_files) {
                struct share_inode *i = &s->inodes[s->hand++ % s->n_inodes];

                if (!i->is_recent && can_be_closed(i))
                        close_fd(s, i);
                i->is_recent = false;
        }
}

/* ---- entries ---- */

int share_inode_stat(struct share_server *s, struct share_inode *i, struct statx *ret)
{
        int fd = i->fd, r;

        if (is_top(s, i)) {
                *ret = (struct statx){ .stx_mode = S_IFDIR | 0555, .stx_nlink = 2, .stx_ino = FUSE_ROOT_ID };
                return 0;
        }
        if (fd >= 0)
                return look(fd, "", ret);
        fd = share_inode_open(s, &s->inodes[i->parent]);
        r = fd < 0 ? fd : look(fd, i->name, ret);
        return (r == 0 && !is_same(i, ret)) || r == -ENOENT ? -ESTALE : r;
}

static void fill_entry(struct share_server *s, const struct share_inode *i, const struct statx *st,
                       struct fuse_entry_out *ret)
{
        *ret = (struct fuse_entry_out){ .nodeid = share_inode_number(s, i),
                                        .generation = i->generation,
                                        .entry_valid = SHARE_VALID_SECONDS,
                                        .attr_valid = SHARE_VALID_SECONDS };
        share_attributes(s, st, &ret->attr);
}

static int look_up_share(struct share_server *s, const char *name, struct fuse_entry_out *ret)
{
        struct statx st = {};
        int r;

        for (size_t n = 1; n < s->n_inodes && !s->inodes[n].name; n++) {
                char number[24];

                snprintf(number, sizeof number, "%zu", n - 1);
                if (strcmp(name, number) != 0 || !s->inodes[n].is_used)
                        continue;
                r = look(s->inodes[n].fd, "", &st);
                if (r == 0)
                        fill_entry(s, &s->inodes[n], &st, ret);
                return r;
        }
        return -ENOENT;
}

static int rename_inode(struct share_server *s, struct share_inode *i, uint32_t parent, const char *name)
{
        struct share_inode *old = &s->inodes[i->parent];
        int r;

        if (i->parent == parent && strcmp(i->name, name) == 0)
                return 0;
        r = share_name_set(&i->name, name);
        if (r < 0)
                return r;
        i->parent = parent;
        s->inodes[parent].children++;
        old->children--;
        release(s, old);
        return 0;
}

/* A directory cannot come to be below itself, whatever moved on the host between two looks. */
static bool is_below(const struct share_server *s, uint32_t n, const struct share_inode *i)
{
        for (; s->inodes[n].name; n = s->inodes[n].parent)
                if (&s->inodes[n] == i)
                        return true;
        return &s->inodes[n] == i;
}

int share_inode_look_up(struct share_server *s, struct share_inode *parent, const char *name,
                        struct fuse_entry_out *ret)
{
        uint32_t number = (uint32_t)(parent - s->inodes);
        struct share_inode *i;
        struct statx st = {};
        int r;

        if (is_top(s, parent))
                return look_up_share(s, name, ret);
        r = share_inode_open(s, parent);
        if (r >= 0)
                r = look(r, name, &st);
        if (r < 0)
                return r;
        i = find_same(s, &st);
        if (!i)
                r = add(s, number, name, &st, &i);
        else if (i->fd < 0 && is_below(s, number, i))
                r = -ELOOP;
        else if (!is_below(s, number, i))
                r = rename_inode(s, i, number, name);
        if (r < 0)
                return r;
        i->lookups++;
        i->is_unlinked = false;
        i->is_recent = true;
        fill_entry(s, i, &st, ret);
        return 0;
}

static struct share_inode *find_entry(struct share_server *s, struct share_inode *parent, const char *name)
{
        struct statx st = {};
        int fd = share_inode_open(s, parent);

        return fd < 0 || look(fd, name, &st) < 0 ? NULL : find_same(s, &st);
}

void share_inode_unlinking(struct share_server *s, struct share_inode *parent, const char *name)
{
        struct share_inode *i = find_entry(s, parent, name);

        if (i && share_inode_open(s, i) >= 0)
                i->is_unlinked = true;
}

void share_inode_moved(struct share_server *s, struct share_inode *parent, const char *name)
{
        uint32_t number = (uint32_t)(parent - s->inodes);
        struct share_inode *i = find_entry(s, parent, name);

        if (!i || is_below(s, number, i))
                return;
        i->is_unlinked = false;
        rename_inode(s, i, number, name);
}
