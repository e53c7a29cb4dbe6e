/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>

#include "base/own.h"
#include "fetch/inflate_codec.h"

/* `xz -9` wants 65 MiB. */
#define MEMORY_MAX (UINT64_C(128) << 20)

static void *begin(struct error *err)
{
        lzma_stream *z = malloc(sizeof *z);

        if (z) {
                *z = (lzma_stream)LZMA_STREAM_INIT;
                if (lzma_stream_decoder(z, MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK)
                        return z;
                free(z);
        }
        error_set(err, ENOMEM, "out of memory");
        return NULL;
}

static void finish(void *state)
{
        lzma_end(state);
        free(state);
}

/* All streams are one to it: there is nothing behind its end. */
static int restart(void *state, struct error *err)
{
        return error_set(err, EBADMSG, "bytes behind the end");
}

static int step(void *state, struct inflate_io *io, struct error *err)
{
        lzma_stream *z = state;
        lzma_ret r;

        z->next_in = io->in;
        z->avail_in = io->n_in;
        z->next_out = io->out;
        z->avail_out = io->n_out;
        r = lzma_code(z, io->ended ? LZMA_FINISH : LZMA_RUN);
        io->in = z->next_in;
        io->n_in = z->avail_in;
        io->out = z->next_out;
        io->n_out = z->avail_out;
        switch (r) {
        case LZMA_OK:
        case LZMA_BUF_ERROR:
                return 0;
        case LZMA_STREAM_END:
                return 1;
        case LZMA_MEM_ERROR:
                return error_set(err, ENOMEM, "out of memory");
        case LZMA_MEMLIMIT_ERROR:
                return error_set(err, EFBIG, "it takes more than %llu MiB of memory to decompress this",
                                 (unsigned long long)(MEMORY_MAX >> 20));
        default:
                return error_set(err, EBADMSG, "the stream is damaged");
        }
}

const struct inflate_codec *inflate_codec_xz(void)
{
        static const struct inflate_codec codec = { begin, restart, step, finish };

        return &codec;
}
