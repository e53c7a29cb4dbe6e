/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/own.h"
#include "fetch/deflate_codec.h"

/* With any number of workers from one on, the same jobs give the same bytes; none would give others. */
enum { USUAL_LEVEL = 3, JOB = 2 << 20, BUFFER = 256 << 10 };

struct zstd {
        ZSTD_CCtx *ctx;
        struct deflate_output out;
        char buffer[BUFFER];
};

static void finish(void *state)
{
        struct zstd *z = state;

        ZSTD_freeCCtx(z->ctx);
        free(z);
}

static int set(ZSTD_CCtx *ctx, ZSTD_cParameter what, int value, struct error *err)
{
        size_t z = ZSTD_CCtx_setParameter(ctx, what, value);

        return ZSTD_isError(z) ? error_set(err, EINVAL, "zstd: %s", ZSTD_getErrorName(z)) : 0;
}

static int configure(ZSTD_CCtx *ctx, int level, unsigned threads, struct error *err)
{
        int r;

        if (!ctx)
                return error_set(err, ENOMEM, "out of memory");
        if (level > ZSTD_maxCLevel())
                return error_set(err, EINVAL, "zstd: the highest level is %d", ZSTD_maxCLevel());
        r = set(ctx, ZSTD_c_compressionLevel, level ? level : USUAL_LEVEL, err);
        if (r == 0)
                r = set(ctx, ZSTD_c_checksumFlag, 1, err);
        if (r == 0)
                r = set(ctx, ZSTD_c_nbWorkers, (int)threads, err);
        return r < 0 ? r : set(ctx, ZSTD_c_jobSize, JOB, err);
}

static void *begin(int level, unsigned threads, struct deflate_output out, struct error *err)
{
        struct zstd *z = malloc(sizeof *z);

        if (!z) {
                error_set(err, ENOMEM, "out of memory");
                return NULL;
        }
        z->out = out;
        z->ctx = ZSTD_createCCtx();
        if (configure(z->ctx, level, threads, err) == 0)
                return z;
        finish(z);
        return NULL;
}

static int compress(struct zstd *z, const void *data, size_t n, ZSTD_EndDirective end, struct error *err)
{
        ZSTD_inBuffer in = { data, n, 0 };
        size_t left;

        do {
                ZSTD_outBuffer out = { z->buffer, sizeof z->buffer, 0 };
                int r = 0;

                left = ZSTD_compressStream2(z->ctx, &out, &in, end);
                if (ZSTD_isError(left))
                        return error_set(err, ENOMEM, "zstd: %s", ZSTD_getErrorName(left));
                if (out.pos)
                        r = z->out.write(z->out.userdata, z->buffer, out.pos, err);
                if (r < 0)
                        return r;
        } while (in.pos < n || (end == ZSTD_e_end && left));
        return 0;
}

static int add(void *state, const void *data, size_t n, struct error *err)
{
        return compress(state, data, n, ZSTD_e_continue, err);
}

static int end_stream(void *state, struct error *err)
{
        return compress(state, NULL, 0, ZSTD_e_end, err);
}

const struct deflate_codec *deflate_codec_zstd(void)
{
        static const struct deflate_codec codec = { begin, add, end_stream, finish };

        return &codec;
}
