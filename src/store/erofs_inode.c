/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "store/erofs_write.h"

size_t erofs_inode_size(const struct buf *xattrs)
{
        size_t n = xattrs ? xattrs->len : 0;

        return sizeof(struct erofs_inode) + (n ? sizeof(struct erofs_xattr_header) + n : 0);
}

static bool is_device(uint32_t mode)
{
        return S_ISCHR(mode) || S_ISBLK(mode);
}

int erofs_inode_write(struct erofs_image *im, uint64_t nid, const struct erofs_attributes *a, enum erofs_layout layout,
                      uint64_t size, uint32_t place, const void *behind, size_t n, struct error *err)
{
        static const struct erofs_xattr_header header;
        size_t xattrs = a->xattrs ? a->xattrs->len : 0;
        const struct erofs_inode inode = {
                .format = htole16((uint16_t)(1 | layout << 1)),
                .xattr_count = htole16((uint16_t)(xattrs ? 1 + xattrs / 4 : 0)),
                .mode = htole16((uint16_t)a->mode),
                .size = htole64(size),
                .place = htole32(is_device(a->mode) ? a->device : place),
                .ino = htole32((uint32_t)++im->inodes),
                .uid = htole32(a->uid),
                .gid = htole32(a->gid),
                .mtime = htole64((uint64_t)a->mtime),
                .mtime_nsec = htole32(a->mtime_nsec),
                .nlink = htole32(a->nlink),
        };
        own_buf struct buf b = {};

        buf_add(&b, &inode, sizeof inode);
        if (xattrs) {
                buf_add(&b, &header, sizeof header);
                buf_add(&b, a->xattrs->data, xattrs);
        }
        if (n)
                buf_add(&b, behind, n);
        if (buf_failed(&b))
                return error_set(err, ENOMEM, "out of memory");
        return erofs_meta_put(im, nid * EROFS_SLOT, b.data, b.len, err);
}

/* ---- files ---- */

void erofs_file_begin(struct erofs_image *im, struct erofs_file *f)
{
        f->first = im->blocks;
        f->size = 0;
        f->tail_len = 0;
}

int erofs_file_write(struct erofs_image *im, struct erofs_file *f, const void *data, size_t n, struct error *err)
{
        const char *p = data;
        int r = 0;

        f->size += n;
        while (r == 0 && n) {
                size_t k = EROFS_BLOCK - f->tail_len < n ? EROFS_BLOCK - f->tail_len : n;

                if (!f->tail_len && n >= EROFS_BLOCK) {
                        k = n / EROFS_BLOCK * EROFS_BLOCK;
                        r = erofs_blocks_append(im, p, k / EROFS_BLOCK, err);
                } else {
                        memcpy(f->tail + f->tail_len, p, k);
                        f->tail_len += k;
                        if (f->tail_len == EROFS_BLOCK) {
                                r = erofs_blocks_append(im, f->tail, 1, err);
                                f->tail_len = 0;
                        }
                }
                p += k;
                n -= k;
        }
        return r;
}

/* Takes room for the inode with the tail behind it, or else writes the tail as a block of its own. */
static int place_tail(struct erofs_image *im, const struct buf *xattrs, const char *tail, size_t n, bool *ret_behind,
                      uint64_t *ret_nid, struct error *err)
{
        size_t inode = erofs_inode_size(xattrs);
        char block[EROFS_BLOCK];
        uint64_t offset;
        int r = 0;

        *ret_behind = n && inode + n <= EROFS_BLOCK;
        if (n && !*ret_behind) {
                memcpy(block, tail, n);
                memset(block + n, 0, EROFS_BLOCK - n);
                r = erofs_blocks_append(im, block, 1, err);
        }
        if (r == 0)
                r = erofs_meta_take(im, inode + (*ret_behind ? n : 0), &offset, err);
        if (r == 0)
                *ret_nid = offset / EROFS_SLOT;
        return r;
}

int erofs_file_end(struct erofs_image *im, const struct erofs_file *f, const struct erofs_attributes *a,
                   uint64_t *ret_nid, struct error *err)
{
        bool behind;
        int r = place_tail(im, a->xattrs, f->tail, f->tail_len, &behind, ret_nid, err);

        if (r < 0)
                return r;
        return erofs_inode_write(im, *ret_nid, a, behind ? EROFS_INLINE : EROFS_PLAIN, f->size, (uint32_t)f->first,
                                 f->tail, behind ? f->tail_len : 0, err);
}

int erofs_node_write(struct erofs_image *im, const struct erofs_attributes *a, const void *data, size_t n,
                     uint64_t *ret_nid, struct error *err)
{
        struct erofs_file f;
        int r;

        erofs_file_begin(im, &f);
        r = erofs_file_write(im, &f, data, n, err);
        return r < 0 ? r : erofs_file_end(im, &f, a, ret_nid, err);
}

int erofs_nlink_write(struct erofs_image *im, uint64_t nid, uint32_t nlink, struct error *err)
{
        nlink = htole32(nlink);
        return erofs_meta_put(im, nid * EROFS_SLOT + offsetof(struct erofs_inode, nlink), &nlink, sizeof nlink, err);
}

/* ---- directories ---- */

/* Behind the superblock: its number has but 16 bits. */
static int place_root(const struct buf *xattrs, struct erofs_place *ret, struct error *err)
{
        const size_t offset = EROFS_SUPER_OFFSET + sizeof(struct erofs_super);

        if (offset + erofs_inode_size(xattrs) > EROFS_BLOCK)
                return error_set(err, E2BIG, "/: too many extended attributes");
        ret->nid = offset / EROFS_SLOT;
        return 0;
}

int erofs_directory_place(struct erofs_image *im, bool root, uint64_t size, const struct buf *xattrs,
                          struct erofs_place *ret, struct error *err)
{
        size_t tail = size % EROFS_BLOCK, inode = erofs_inode_size(xattrs);
        bool behind = tail && !root && inode + tail <= EROFS_BLOCK;
        uint64_t offset;
        int r;

        ret->layout = behind ? EROFS_INLINE : EROFS_PLAIN;
        r = erofs_blocks_take(im, size / EROFS_BLOCK + (tail && !behind), &ret->first, err);
        if (r < 0 || root)
                return r < 0 ? r : place_root(xattrs, ret, err);
        r = erofs_meta_take(im, inode + (behind ? tail : 0), &offset, err);
        if (r == 0)
                ret->nid = offset / EROFS_SLOT;
        return r;
}

int erofs_directory_write(struct erofs_image *im, const struct erofs_place *p, const struct erofs_attributes *a,
                          const void *content, uint64_t size, struct error *err)
{
        size_t tail = p->layout == EROFS_INLINE ? size % EROFS_BLOCK : 0;
        int r = 0;

        if (size - tail)
                r = erofs_meta_put(im, p->first * EROFS_BLOCK, content, size - tail, err);
        return r < 0 ? r
                     : erofs_inode_write(im, p->nid, a, p->layout, size, (uint32_t)p->first,
                                         (const char *)content + size - tail, tail, err);
}

/* ---- extended attributes ---- */

static const struct {
        const char *prefix;
        uint8_t index;
} namespaces[] = {
        { "user.", EROFS_XATTR_USER },
        { "system.posix_acl_access", EROFS_XATTR_ACL_ACCESS },
        { "system.posix_acl_default", EROFS_XATTR_ACL_DEFAULT },
        { "trusted.", EROFS_XATTR_TRUSTED },
        { "security.", EROFS_XATTR_SECURITY },
};

/* How many xattrs the count of an inode can tell. */
enum { MAX_XATTRS = (UINT16_MAX - 1) * 4 };

int erofs_xattr_add(struct buf *xattrs, const char *name, const void *value, size_t len)
{
        static const char zeros[4];

        for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
                size_t prefix = strlen(namespaces[i].prefix), n;
                struct erofs_xattr x = { .name_index = namespaces[i].index };
                bool whole = namespaces[i].prefix[prefix - 1] != '.';

                if (strncmp(name, namespaces[i].prefix, prefix) != 0)
                        continue;
                n = strlen(name + prefix);
                if (whole ? n != 0 : n == 0)
                        continue;
                if (n > EROFS_MAX_NAME || len > EROFS_MAX_XATTR_VALUE)
                        return -EINVAL;
                if (xattrs->len + sizeof x + n + len + 3 > MAX_XATTRS)
                        return -E2BIG;
                x.name_len = (uint8_t)n;
                x.value_size = htole16((uint16_t)len);
                buf_add(xattrs, &x, sizeof x);
                buf_add(xattrs, name + prefix, n);
                if (len)
                        buf_add(xattrs, value, len);
                buf_add(xattrs, zeros, -xattrs->len % 4);
                return buf_failed(xattrs) ? -ENOMEM : 0;
        }
        return 0;
}
