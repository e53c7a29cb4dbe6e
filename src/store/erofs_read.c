/* SPDX-License-Identifier: Apache-2.0 */
#include "store/erofs_read.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static int read_at(int fd, void *data, size_t n, uint64_t offset, struct error *err)
{
        char *p = data;

        while (n) {
                ssize_t k = offset > INT64_MAX ? 0 : pread(fd, p, n, (off_t)offset);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return error_errno(err, errno, "read the layer");
                if (k == 0)
                        return error_set(err, EBADMSG, "the layer is cut off");
                p += k;
                n -= (size_t)k;
                offset += (uint64_t)k;
        }
        return 0;
}

int erofs_view_open(struct erofs_view *v, int fd, uint64_t nid, struct error *err)
{
        struct erofs_inode inode;

        return erofs_view_open_inode(v, fd, nid, &inode, err);
}

int erofs_view_open_inode(struct erofs_view *v, int fd, uint64_t nid, struct erofs_inode *ret_inode, struct error *err)
{
        struct erofs_inode inode;
        uint64_t offset;
        uint16_t format, xattrs;
        int r;

        if (__builtin_mul_overflow(nid, EROFS_SLOT, &offset))
                return error_set(err, EBADMSG, "no such node: %llu", (unsigned long long)nid);
        r = read_at(fd, &inode, sizeof inode, offset, err);
        if (r < 0)
                return r;
        format = le16toh(inode.format);
        xattrs = le16toh(inode.xattr_count);
        *v = (struct erofs_view){
                .fd = fd,
                .size = le64toh(inode.size),
                .first = le32toh(inode.place),
                .layout = format >> 1 & 7,
                .behind = offset + sizeof inode +
                          (xattrs ? sizeof(struct erofs_xattr_header) + (xattrs - 1) * UINT64_C(4) : 0),
        };
        if (v->layout == EROFS_CHUNKS)
                v->chunk_bits = EROFS_BLOCK_BITS + (v->first & 31);
        if (!(format & 1) || v->size > INT64_MAX ||
            (v->layout != EROFS_PLAIN && v->layout != EROFS_INLINE && v->layout != EROFS_CHUNKS))
                return error_set(err, EBADMSG, "no such node: %llu", (unsigned long long)nid);
        *ret_inode = inode;
        return 0;
}

/* Where the byte stands, and how many follow it there; *ret_hole: nowhere. */
static int locate(const struct erofs_view *v, uint64_t offset, uint64_t *ret_at, uint64_t *ret_n, bool *ret_hole,
                  struct error *err)
{
        uint64_t full = v->size / EROFS_BLOCK * EROFS_BLOCK, in_chunk;
        uint32_t block;
        int r;

        *ret_hole = false;
        if (v->layout != EROFS_CHUNKS) {
                bool behind = v->layout == EROFS_INLINE && offset >= full;

                *ret_at = behind ? v->behind + offset - full : (uint64_t)v->first * EROFS_BLOCK + offset;
                *ret_n = (v->layout == EROFS_INLINE && !behind ? full : v->size) - offset;
                return 0;
        }
        in_chunk = offset & ((UINT64_C(1) << v->chunk_bits) - 1);
        r = read_at(v->fd, &block, sizeof block, v->behind + (offset >> v->chunk_bits) * sizeof block, err);
        if (r < 0)
                return r;
        block = le32toh(block);
        *ret_hole = block == EROFS_NO_BLOCK;
        *ret_at = (uint64_t)block * EROFS_BLOCK + in_chunk;
        *ret_n = (UINT64_C(1) << v->chunk_bits) - in_chunk;
        return 0;
}

int erofs_view_run(const struct erofs_view *v, uint64_t offset, uint64_t *ret_n, bool *ret_hole, struct error *err)
{
        uint64_t at, left = 0;
        int r = locate(v, offset, &at, &left, ret_hole, err);

        *ret_n = left < v->size - offset ? left : v->size - offset;
        return r;
}

int erofs_view_read(const struct erofs_view *v, uint64_t offset, void *data, size_t n, struct error *err)
{
        char *p = data;

        if (offset > v->size || n > v->size - offset)
                return error_set(err, EBADMSG, "a file of the layer is shorter than it was");
        while (n) {
                uint64_t at, left;
                size_t k;
                bool hole;
                int r = locate(v, offset, &at, &left, &hole, err);

                if (r < 0)
                        return r;
                k = left < n ? (size_t)left : n;
                if (hole)
                        memset(p, 0, k);
                else
                        r = read_at(v->fd, p, k, at, err);
                if (r < 0)
                        return r;
                p += k;
                n -= k;
                offset += k;
        }
        return 0;
}
