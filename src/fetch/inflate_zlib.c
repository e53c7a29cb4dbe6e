/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/own.h"
#include "fetch/inflate_codec.h"

enum { GZIP_WINDOW_BITS = 15 + 16 }; /* zlib's way to say that the wrapper is gzip's */

static void *begin(struct error *err)
{
        z_stream *z = calloc(1, sizeof *z);

        if (z && inflateInit2(z, GZIP_WINDOW_BITS) == Z_OK)
                return z;
        free(z);
        error_set(err, ENOMEM, "out of memory");
        return NULL;
}

static void finish(void *state)
{
        inflateEnd(state);
        free(state);
}

static int restart(void *state, struct error *err)
{
        return inflateReset(state) == Z_OK ? 0 : error_set(err, EINVAL, "begin another member");
}

static int step(void *state, struct inflate_io *io, struct error *err)
{
        z_stream *z = state;
        const unsigned n_in = io->n_in < UINT_MAX ? (unsigned)io->n_in : UINT_MAX;
        const unsigned n_out = io->n_out < UINT_MAX ? (unsigned)io->n_out : UINT_MAX;
        int r;

        z->next_in = (Bytef *)(uintptr_t)io->in;
        z->avail_in = n_in;
        z->next_out = io->out;
        z->avail_out = n_out;
        r = inflate(z, Z_NO_FLUSH);
        io->in += n_in - z->avail_in;
        io->n_in -= n_in - z->avail_in;
        io->out += n_out - z->avail_out;
        io->n_out -= n_out - z->avail_out;
        if (r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR)
                return r == Z_STREAM_END;
        if (r == Z_MEM_ERROR)
                return error_set(err, ENOMEM, "out of memory");
        return error_set(err, EBADMSG, "the stream is damaged: %s", z->msg ? z->msg : "it needs a dictionary");
}

const struct inflate_codec *inflate_codec_zlib(void)
{
        static const struct inflate_codec codec = { begin, restart, step, finish };

        return &codec;
}
