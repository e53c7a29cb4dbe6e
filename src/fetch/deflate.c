/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/deflate.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/own.h"
#include "fetch/deflate_codec.h"

enum { MAX_THREADS = 8 }; /* each has a few hundred kilobytes of its own */

struct deflate {
        const struct deflate_codec *codec; /* NULL: bytes are what they are */
        void *state;
        struct deflate_output out;
};

static unsigned processors(void)
{
        cpu_set_t set;
        int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

        return n < MAX_THREADS ? (unsigned)n : MAX_THREADS;
}

static int choose(enum compression c, const struct deflate_codec **ret, struct error *err)
{
        switch (c) {
        case COMPRESSION_NONE:
                *ret = NULL;
                return 0;
        case COMPRESSION_GZIP:
                *ret = deflate_codec_gzip();
                return 0;
        case COMPRESSION_ZSTD:
                *ret = deflate_codec_zstd();
                return 0;
        default:
                return error_set(err, EOPNOTSUPP, "layers are compressed with gzip or zstd only");
        }
}

struct deflate *deflate_new(enum compression c, int level, unsigned threads, deflate_write write, void *userdata,
                            struct error *err)
{
        own_deflate struct deflate *d = calloc(1, sizeof *d);

        if (!d) {
                error_set(err, ENOMEM, "out of memory");
                return NULL;
        }
        d->out = (struct deflate_output){ write, userdata };
        if (choose(c, &d->codec, err) < 0)
                return NULL;
        if (!d->codec)
                return take_ptr(d);
        d->state = d->codec->begin(level, threads ? threads : processors(), d->out, err);
        return d->state ? take_ptr(d) : NULL;
}

void deflate_free(struct deflate *d)
{
        if (!d)
                return;
        if (d->state)
                d->codec->finish(d->state);
        free(d);
}

int deflate_add(struct deflate *d, const void *data, size_t n, struct error *err)
{
        if (!n)
                return 0;
        return d->codec ? d->codec->add(d->state, data, n, err) : d->out.write(d->out.userdata, data, n, err);
}

int deflate_end(struct deflate *d, struct error *err)
{
        return d->codec ? d->codec->end(d->state, err) : 0;
}
