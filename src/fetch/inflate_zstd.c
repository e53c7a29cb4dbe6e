/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/own.h"
#include "fetch/inflate_codec.h"

/* What `zstd -22` and `--long` use, 128 MiB; a frame that wants more memory than this is refused. */
enum { WINDOW_LOG_MAX = 27 };

static void *begin(struct error *err)
{
        ZSTD_DCtx *z = ZSTD_createDCtx();

        if (z && !ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
                return z;
        ZSTD_freeDCtx(z);
        error_set(err, ENOMEM, "out of memory");
        return NULL;
}

static void finish(void *state)
{
        ZSTD_freeDCtx(state);
}

/* It goes on by itself. */
static int restart(void *state, struct error *err)
{
        return 0;
}

static int step(void *state, struct inflate_io *io, struct error *err)
{
        ZSTD_inBuffer in = { io->in, io->n_in, 0 };
        ZSTD_outBuffer out = { io->out, io->n_out, 0 };
        size_t z = ZSTD_decompressStream(state, &out, &in);

        io->in += in.pos;
        io->n_in -= in.pos;
        io->out += out.pos;
        io->n_out -= out.pos;
        if (!ZSTD_isError(z))
                return z == 0;
        if (ZSTD_getErrorCode(z) == ZSTD_error_memory_allocation)
                return error_set(err, ENOMEM, "out of memory");
        return error_set(err, EBADMSG, "the stream is damaged: %s", ZSTD_getErrorName(z));
}

const struct inflate_codec *inflate_codec_zstd(void)
{
        static const struct inflate_codec codec = { begin, restart, step, finish };

        return &codec;
}
