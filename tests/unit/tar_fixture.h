/* SPDX-License-Identifier: Apache-2.0 */
/* Archives made in memory, and compressed forms of bytes, for tests of what reads them. */
#pragma once

#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "store/tar_header.h"

static inline void tar_fixture_entry(struct buf *out, char type, const char *name, const char *link, const void *data,
                                     size_t n)
{
        static const char zeros[TAR_BLOCK];
        struct tar_header h = { .type = type, .magic = "ustar" };
        unsigned sum = 0;

        memcpy(h.magic + 6, "00", 2);
        memcpy(h.name, name, strlen(name));
        memcpy(h.link, link, strlen(link));
        snprintf(h.mode, sizeof h.mode, "%07o", type == '5' ? 0755 : 0644);
        snprintf(h.uid, sizeof h.uid, "%07o", 0);
        snprintf(h.gid, sizeof h.gid, "%07o", 0);
        snprintf(h.size, sizeof h.size, "%011zo", n);
        snprintf(h.mtime, sizeof h.mtime, "%011o", 1000000000);
        memset(h.sum, ' ', sizeof h.sum);
        for (size_t i = 0; i < sizeof h; i++)
                sum += ((const unsigned char *)&h)[i];
        snprintf(h.sum, sizeof h.sum, "%06o", sum);
        buf_add(out, &h, sizeof h);
        if (n)
                buf_add(out, data, n);
        buf_add(out, zeros, -n % TAR_BLOCK);
}

static inline void tar_fixture_end(struct buf *out)
{
        static const char zeros[2 * TAR_BLOCK];

        buf_add(out, zeros, sizeof zeros);
}

/* n bytes that do not compress well, the same for the same seed. */
static inline char *fixture_noise(size_t n, unsigned seed)
{
        char *data = malloc(n ? n : 1);

        for (size_t i = 0; i < n; i++) {
                seed = seed * 1103515245 + 12345;
                data[i] = (char)(seed >> 16 & (i % 64 < 40 ? 0xff : 3));
        }
        return data;
}

static inline void fixture_gzip(struct buf *out, const void *data, size_t n)
{
        uLong bound = compressBound((uLong)n) + 64;
        unsigned char *to = malloc(bound);
        z_stream z = {
                .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)n, .next_out = to, .avail_out = (uInt)bound
        };

        if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
            deflate(&z, Z_FINISH) != Z_STREAM_END)
                abort();
        buf_add(out, to, z.total_out);
        deflateEnd(&z);
        free(to);
}

static inline void fixture_zstd(struct buf *out, const void *data, size_t n)
{
        size_t bound = ZSTD_compressBound(n), k;
        void *to = malloc(bound);
        ZSTD_CCtx *c = ZSTD_createCCtx();

        ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
        k = ZSTD_compress2(c, to, bound, data, n);
        if (ZSTD_isError(k))
                abort();
        buf_add(out, to, k);
        ZSTD_freeCCtx(c);
        free(to);
}

static inline void fixture_xz(struct buf *out, const void *data, size_t n)
{
        size_t bound = lzma_stream_buffer_bound(n), k = 0;
        uint8_t *to = malloc(bound);

        if (lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, data, n, to, &k, bound) != LZMA_OK)
                abort();
        buf_add(out, to, k);
        free(to);
}
