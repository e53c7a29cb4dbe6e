/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "store/erofs_write.h"

/* Chunks are blocks while a file has no more of them than this: a map of 1 MiB. */
enum { MAX_CHUNKS = 1 << 18 };

int erofs_sparse_begin(struct erofs_image *im, struct erofs_sparse *s, uint64_t size, struct error *err)
{
        *s = (struct erofs_sparse){ .size = size, .chunk_bits = EROFS_BLOCK_BITS };
        while (size >> s->chunk_bits >= MAX_CHUNKS)
                s->chunk_bits++;
        s->n_chunks = (size >> s->chunk_bits) + ((size & ((UINT64_C(1) << s->chunk_bits) - 1)) != 0);
        s->map = malloc((s->n_chunks + !s->n_chunks) * sizeof *s->map);
        if (!s->map)
                return error_set(err, ENOMEM, "out of memory");
        memset(s->map, 0xff, s->n_chunks * sizeof *s->map);
        im->has_chunks = true;
        return 0;
}

void erofs_sparse_finish(struct erofs_sparse *s)
{
        free(take_ptr(s->map));
}

static int chunk_take(struct erofs_image *im, struct erofs_sparse *s, uint64_t chunk, struct error *err)
{
        uint64_t begin = chunk << s->chunk_bits, len = UINT64_C(1) << s->chunk_bits, first;
        int r;

        if (s->map[chunk] != EROFS_NO_BLOCK)
                return 0;
        if (len > s->size - begin)
                len = s->size - begin;
        r = erofs_blocks_take(im, (len + EROFS_BLOCK - 1) / EROFS_BLOCK, &first, err);
        if (r == 0)
                s->map[chunk] = htole32((uint32_t)first);
        return r;
}

int erofs_sparse_write(struct erofs_image *im, struct erofs_sparse *s, uint64_t offset, const void *data, size_t n,
                       struct error *err)
{
        const char *p = data;
        int r = 0;

        while (r == 0 && n) {
                uint64_t chunk = offset >> s->chunk_bits, in_chunk = offset & ((UINT64_C(1) << s->chunk_bits) - 1);
                uint64_t room = (UINT64_C(1) << s->chunk_bits) - in_chunk;
                size_t k = room < n ? (size_t)room : n;

                r = chunk_take(im, s, chunk, err);
                if (r == 0)
                        r = erofs_meta_put(im, (uint64_t)le32toh(s->map[chunk]) * EROFS_BLOCK + in_chunk, p, k, err);
                offset += k;
                p += k;
                n -= k;
        }
        return r;
}

int erofs_sparse_end(struct erofs_image *im, const struct erofs_sparse *s, const struct erofs_attributes *a,
                     uint64_t *ret_nid, struct error *err)
{
        size_t map = s->n_chunks * sizeof *s->map;
        uint64_t offset;
        int r = erofs_meta_take(im, erofs_inode_size(a->xattrs) + map, &offset, err);

        if (r < 0)
                return r;
        *ret_nid = offset / EROFS_SLOT;
        return erofs_inode_write(im, *ret_nid, a, EROFS_CHUNKS, s->size, s->chunk_bits - EROFS_BLOCK_BITS, s->map, map,
                                 err);
}
