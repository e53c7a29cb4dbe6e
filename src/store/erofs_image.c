/* SPDX-License-Identifier: Apache-2.0 */
/* Where things go: the stream of data blocks, the blocks of metadata, the superblock. */
#include "store/erofs_image.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "store/erofs_write.h"

enum { WINDOW = 1 << 20 };

struct erofs_meta_block {
        uint64_t block;
        size_t used;
        char bytes[EROFS_BLOCK];
};

int erofs_image_begin(struct erofs_image *im, int fd, struct error *err)
{
        *im = (struct erofs_image){ .fd = fd, .blocks = 1, .window_at = 1, .window = malloc(WINDOW) };
        return im->window ? 0 : error_set(err, ENOMEM, "out of memory");
}

void erofs_image_finish(struct erofs_image *im)
{
        free(take_ptr(im->window));
        for (size_t i = 0; i < EROFS_OPEN_BLOCKS; i++)
                free(take_ptr(im->open[i]));
}

static int write_at(const struct erofs_image *im, const void *data, size_t n, uint64_t offset, struct error *err)
{
        const char *p = data;

        while (n) {
                ssize_t k = pwrite(im->fd, p, n, (off_t)offset);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return error_errno(err, k ? errno : EIO, "write the layer");
                p += k;
                n -= (size_t)k;
                offset += (uint64_t)k;
        }
        return 0;
}

/* ---- data ---- */

static int window_flush(struct erofs_image *im, struct error *err)
{
        int r = im->window_len ? write_at(im, im->window, im->window_len, im->window_at * EROFS_BLOCK, err) : 0;

        im->window_len = 0;
        return r;
}

int erofs_blocks_take(struct erofs_image *im, uint64_t n, uint64_t *ret, struct error *err)
{
        /* Addresses have 32 bits, and the last stands for a hole. */
        if (n >= EROFS_NO_BLOCK - im->blocks)
                return error_set(err, EFBIG, "the layer does not fit into 16 TiB");
        *ret = im->blocks;
        im->blocks += n;
        return 0;
}

/* Room for n bytes at most behind what the window has; *ret_n is how many it is. */
static char *window_extend(struct erofs_image *im, size_t n, size_t *ret_n)
{
        char *to = im->window + im->window_len;

        *ret_n = WINDOW - im->window_len < n ? WINDOW - im->window_len : n;
        im->window_len += *ret_n;
        return to;
}

static int window_flush_full(struct erofs_image *im, struct error *err)
{
        int r = im->window_len == WINDOW ? window_flush(im, err) : 0;

        if (!im->window_len)
                im->window_at += WINDOW / EROFS_BLOCK;
        return r;
}

/* Where the block stands in the window, or NULL. */
static char *window_find(const struct erofs_image *im, uint64_t block)
{
        bool in = block >= im->window_at && block - im->window_at < im->window_len / EROFS_BLOCK;

        return in ? im->window + (block - im->window_at) * EROFS_BLOCK : NULL;
}

int erofs_blocks_append(struct erofs_image *im, const void *data, size_t n_blocks, struct error *err)
{
        const char *p = data;
        uint64_t at = 0;
        int r = erofs_blocks_take(im, n_blocks, &at, err);

        if (r == 0 && im->window_at + im->window_len / EROFS_BLOCK != at)
                r = window_flush(im, err);
        if (r < 0)
                return r;
        if (!im->window_len)
                im->window_at = at;
        for (size_t left = n_blocks * EROFS_BLOCK; r == 0 && left;) {
                size_t n;
                char *to = window_extend(im, left, &n);

                memcpy(to, p, n);
                p += n;
                left -= n;
                r = window_flush_full(im, err);
        }
        return r;
}

/* ---- metadata ---- */

static int meta_close(struct erofs_image *im, size_t i, struct error *err)
{
        struct erofs_meta_block *b = im->open[i];
        char *place = window_find(im, b->block);
        int r = 0;

        if (place)
                memcpy(place, b->bytes, EROFS_BLOCK);
        else
                r = write_at(im, b->bytes, EROFS_BLOCK, b->block * EROFS_BLOCK, err);
        free(b);
        im->open[i] = NULL;
        return r;
}

/* Where data goes on behind the block, the window need not be cut for it: zeros keep its place. */
static int meta_reserve(struct erofs_image *im, uint64_t block, struct error *err)
{
        size_t n;

        if (!im->window_len || im->window_at + im->window_len / EROFS_BLOCK != block)
                return 0;
        memset(window_extend(im, EROFS_BLOCK, &n), 0, EROFS_BLOCK);
        return window_flush_full(im, err);
}

/* Opens a new one in this place. NULL on failure. */
static struct erofs_meta_block *meta_open(struct erofs_image *im, size_t i, struct error *err)
{
        struct erofs_meta_block *b = calloc(1, sizeof *b);

        if (!b) {
                error_set(err, ENOMEM, "out of memory");
                return NULL;
        }
        if (erofs_blocks_take(im, 1, &b->block, err) < 0 || meta_reserve(im, b->block, err) < 0) {
                free(b);
                return NULL;
        }
        im->open[i] = b;
        return b;
}

/* The open block in which the least room is left over, or a new one, for which the fullest has to go. NULL on failure.
 */
static struct erofs_meta_block *meta_choose(struct erofs_image *im, size_t n, struct error *err)
{
        struct erofs_meta_block *best = NULL;
        size_t place = 0;

        for (size_t i = 0; i < EROFS_OPEN_BLOCKS; i++) {
                struct erofs_meta_block *b = im->open[i], *in_place = im->open[place];

                if (b && b->used + n <= EROFS_BLOCK && (!best || b->used > best->used))
                        best = b;
                if (in_place && (!b || b->used > in_place->used))
                        place = i;
        }
        if (best)
                return best;
        if (im->open[place] && meta_close(im, place, err) < 0)
                return NULL;
        return meta_open(im, place, err);
}

int erofs_meta_take(struct erofs_image *im, size_t n, uint64_t *ret_offset, struct error *err)
{
        struct erofs_meta_block *b;
        uint64_t first = 0;
        int r;

        if (n > EROFS_BLOCK) {
                r = erofs_blocks_take(im, (n + EROFS_BLOCK - 1) / EROFS_BLOCK, &first, err);
                *ret_offset = first * EROFS_BLOCK;
                return r;
        }
        b = meta_choose(im, n, err);
        if (!b)
                return -err->code;
        *ret_offset = b->block * EROFS_BLOCK + b->used;
        b->used += (n + EROFS_SLOT - 1) / EROFS_SLOT * EROFS_SLOT;
        return 0;
}

int erofs_meta_put(struct erofs_image *im, uint64_t offset, const void *data, size_t n, struct error *err)
{
        uint64_t block = offset / EROFS_BLOCK;
        char *place;

        for (size_t i = 0; i < EROFS_OPEN_BLOCKS; i++) {
                if (im->open[i] && im->open[i]->block == block) {
                        memcpy(im->open[i]->bytes + offset % EROFS_BLOCK, data, n);
                        return 0;
                }
        }
        /* Of what is written here, blocks of metadata alone are in the window, and nothing leads out of one. */
        place = window_find(im, block);
        if (!place)
                return write_at(im, data, n, offset, err);
        memcpy(place + offset % EROFS_BLOCK, data, n);
        return 0;
}

/* ---- the superblock ---- */

/* CRC-32C (Castagnoli), bit by bit: it is of less than one block. */
static uint32_t crc32c(uint32_t crc, const void *data, size_t n)
{
        const unsigned char *p = data;

        for (size_t i = 0; i < n; i++) {
                crc ^= p[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
        }
        return crc;
}

static int read_block0(const struct erofs_image *im, char block[EROFS_BLOCK], struct error *err)
{
        ssize_t n = pread(im->fd, block, EROFS_BLOCK, 0);

        if (n < 0)
                return error_errno(err, errno, "read the layer");
        memset(block + n, 0, (size_t)(EROFS_BLOCK - n));
        return 0;
}

int erofs_image_end(struct erofs_image *im, uint64_t root_nid, const uint8_t uuid[16], struct error *err)
{
        struct erofs_super super = {
                .magic = htole32(EROFS_MAGIC),
                .feature_compat = htole32(EROFS_HAS_CHECKSUM),
                .block_bits = EROFS_BLOCK_BITS,
                .root_nid = htole16((uint16_t)root_nid),
                .inodes = htole64(im->inodes),
                .blocks = htole32((uint32_t)im->blocks),
                .feature_incompat = htole32(im->has_chunks ? EROFS_HAS_CHUNKS : 0),
        };
        char block[EROFS_BLOCK];
        int r = 0;

        for (size_t i = 0; r == 0 && i < EROFS_OPEN_BLOCKS; i++)
                r = im->open[i] ? meta_close(im, i, err) : 0;
        if (r == 0)
                r = window_flush(im, err);
        if (r == 0)
                r = read_block0(im, block, err);
        if (r < 0)
                return r;
        memcpy(super.uuid, uuid, sizeof super.uuid);
        memcpy(block + EROFS_SUPER_OFFSET, &super, sizeof super);
        /* Of the rest of the block from the superblock on (erofs_superblock_csum_verify()). */
        super.checksum = htole32(crc32c(~0u, block + EROFS_SUPER_OFFSET, EROFS_BLOCK - EROFS_SUPER_OFFSET));
        memcpy(block + EROFS_SUPER_OFFSET, &super, sizeof super);
        r = write_at(im, block, sizeof block, 0, err);
        if (r == 0 && ftruncate(im->fd, (off_t)(im->blocks * EROFS_BLOCK)) < 0)
                r = error_errno(err, errno, "write the layer");
        return r;
}
