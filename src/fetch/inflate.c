/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/inflate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/inflate_codec.h"

struct inflate {
        const struct inflate_codec *codec; /* NULL: bytes are what they are */
        void *state;
        const char *name;
        inflate_source source;
        void *userdata;
        const unsigned char *in;
        size_t n_in;
        bool ended;   /* the source has no more */
        bool between; /* a member has ended, and no other begun */
};

enum compression compression_of(const void *data, size_t n)
{
        const unsigned char *p = data;

        if (n >= 3 && memcmp(p, "\x1f\x8b\x08", 3) == 0)
                return COMPRESSION_GZIP;
        /* A frame; or one to skip, as some programs put before it. */
        if (n >= 4 &&
            (memcmp(p, "\x28\xb5\x2f\xfd", 4) == 0 || (p[0] >> 4 == 5 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)))
                return COMPRESSION_ZSTD;
        if (n >= COMPRESSION_MAGIC && memcmp(p,
                                             "\xfd"
                                             "7zXZ",
                                             COMPRESSION_MAGIC) == 0)
                return COMPRESSION_XZ;
        return COMPRESSION_NONE;
}

const char *compression_name(enum compression c)
{
        static const char *const names[] = {
                [COMPRESSION_NONE] = "none",
                [COMPRESSION_GZIP] = "gzip",
                [COMPRESSION_ZSTD] = "zstd",
                [COMPRESSION_XZ] = "xz",
        };

        return names[c];
}

static const struct inflate_codec *codec_of(enum compression c, bool portable)
{
        const struct inflate_codec *fast;

        switch (c) {
        case COMPRESSION_GZIP:
                fast = portable ? NULL : inflate_codec_isal();
                return fast ? fast : inflate_codec_zlib();
        case COMPRESSION_ZSTD:
                return inflate_codec_zstd();
        case COMPRESSION_XZ:
                return inflate_codec_xz();
        default:
                return NULL;
        }
}

struct inflate *inflate_new(enum compression c, bool portable, inflate_source source, void *userdata, struct error *err)
{
        own_inflate struct inflate *i = calloc(1, sizeof *i);

        if (!i) {
                error_set(err, ENOMEM, "out of memory");
                return NULL;
        }
        *i = (struct inflate){ .name = compression_name(c), .source = source, .userdata = userdata };
        i->codec = codec_of(c, portable);
        if (!i->codec)
                return take_ptr(i);
        i->state = i->codec->begin(err);
        return i->state ? take_ptr(i) : NULL;
}

void inflate_free(struct inflate *i)
{
        if (!i)
                return;
        if (i->state)
                i->codec->finish(i->state);
        free(i);
}

/* Has something in `in`, unless the source has ended. */
static int fill(struct inflate *i, struct error *err)
{
        const void *data = NULL;
        ssize_t n;

        if (i->n_in || i->ended)
                return 0;
        n = i->source(i->userdata, &data, err);
        if (n < 0)
                return (int)n;
        i->in = data;
        i->n_in = (size_t)n;
        i->ended = n == 0;
        return 0;
}

static void copy(struct inflate_io *io)
{
        size_t n = io->n_in < io->n_out ? io->n_in : io->n_out;

        if (n)
                memcpy(io->out, io->in, n);
        io->in += n;
        io->n_in -= n;
        io->out += n;
        io->n_out -= n;
}

/* One step of the codec: 0, or 1 when there is nothing more to come. */
static int step(struct inflate *i, struct inflate_io *io, struct error *err)
{
        const size_t n_in = io->n_in, n_out = io->n_out;
        int r = 0;

        if (i->between && !n_in)
                return i->ended;
        if (i->between)
                r = i->codec->restart(i->state, err);
        if (r == 0)
                r = i->codec->step(i->state, io, err);
        if (r < 0)
                return error_wrap(err, "%s", i->name);
        i->between = r;
        if (r || io->n_in != n_in || io->n_out != n_out || !(n_in || i->ended))
                return 0;
        return error_set(err, EBADMSG, "%s: the stream is %s", i->name, i->ended ? "cut off" : "damaged");
}

ssize_t inflate_read(struct inflate *i, void *data, size_t n, struct error *err)
{
        struct inflate_io io = { .out = data, .n_out = n };
        int r = 0;

        while (io.n_out && r == 0) {
                r = fill(i, err);
                if (r < 0)
                        return r;
                io.in = i->in;
                io.n_in = i->n_in;
                io.ended = i->ended;
                if (i->codec) {
                        r = step(i, &io, err);
                } else {
                        copy(&io);
                        r = i->ended;
                }
                i->in = io.in;
                i->n_in = io.n_in;
        }
        return r < 0 ? r : (ssize_t)(n - io.n_out);
}

uint64_t inflate_most(uint64_t compressed)
{
        const uint64_t ratio = 200, harmless = UINT64_C(8) << 30;
        uint64_t most = compressed > UINT64_MAX / ratio ? UINT64_MAX : compressed * ratio;

        return most < harmless ? harmless : most;
}

void inflate_prepare(void)
{
        /* What the loader has loaded once stays, and is found again by its name alone. */
        inflate_codec_isal();
}
