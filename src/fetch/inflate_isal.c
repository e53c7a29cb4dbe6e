/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip by isa-l (Intel's, also fast on AMD), loaded while the program runs: Debian has no static library of it, and it
 * is not everywhere. libisal.so.2 says which layout struct inflate_state has.
 */
#include <dlfcn.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "base/own.h"
#include "fetch/gzip_header.h"
#include "fetch/inflate_codec.h"

#define LIBRARY "libisal.so.2"

struct isal {
        void *library;
        int (*inflate)(struct inflate_state *state);
        void (*reset)(struct inflate_state *state);
        struct gzip_header header;
        struct inflate_state state;
};

static void finish(void *state)
{
        struct isal *s = state;

        if (s->library)
                dlclose(s->library);
        free(s);
}

static void *begin(struct error *err)
{
        struct isal *s = malloc(sizeof *s);
        void (*init)(struct inflate_state * state);

        if (!s) {
                error_set(err, ENOMEM, "out of memory");
                return NULL;
        }
        s->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
        /* POSIX lets a pointer to an object be one to a function here alone. */
        *(void **)&init = s->library ? dlsym(s->library, "isal_inflate_init") : NULL;
        *(void **)&s->inflate = s->library ? dlsym(s->library, "isal_inflate") : NULL;
        *(void **)&s->reset = s->library ? dlsym(s->library, "isal_inflate_reset") : NULL;
        if (!init || !s->inflate || !s->reset) {
                finish(s);
                error_set(err, ELIBACC, "load %s", LIBRARY);
                return NULL;
        }
        init(&s->state);
        s->state.crc_flag = ISAL_GZIP_NO_HDR_VER;
        s->header = (struct gzip_header){};
        return s;
}

static int restart(void *state, struct error *err)
{
        struct isal *s = state;

        s->reset(&s->state);
        s->state.crc_flag = ISAL_GZIP_NO_HDR_VER;
        s->header = (struct gzip_header){};
        return 0;
}

static int step(void *state, struct inflate_io *io, struct error *err)
{
        struct isal *s = state;
        struct inflate_state *z = &s->state;
        const uint32_t n_out = io->n_out < UINT32_MAX ? (uint32_t)io->n_out : UINT32_MAX;
        uint32_t n_in;
        int r = gzip_header_take(&s->header, &io->in, &io->n_in, err);

        if (r <= 0)
                return r;
        n_in = io->n_in < UINT32_MAX ? (uint32_t)io->n_in : UINT32_MAX;
        z->next_in = (uint8_t *)(uintptr_t)io->in;
        z->avail_in = n_in;
        z->next_out = io->out;
        z->avail_out = n_out;
        r = s->inflate(z);
        io->in += n_in - z->avail_in;
        io->n_in -= n_in - z->avail_in;
        io->out += n_out - z->avail_out;
        io->n_out -= n_out - z->avail_out;
        /* Positive results say that input or output ran out. */
        if (r < 0)
                return error_set(err, EBADMSG, "%s",
                                 r == ISAL_INCORRECT_CHECKSUM ? "the checksum is wrong" : "the stream is damaged");
        return z->block_state == ISAL_BLOCK_FINISH;
}

const struct inflate_codec *inflate_codec_isal(void)
{
        static const struct inflate_codec codec = { begin, restart, step, finish };

        /* It is left open: to be loaded again for each layer would take longer than a small layer does. */
        return dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL) ? &codec : NULL;
}
