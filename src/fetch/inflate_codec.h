/* SPDX-License-Identifier: Apache-2.0 */
/* Private to inflate*.c: one way to decompress. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct inflate_io {
        const unsigned char *in;
        size_t n_in;
        unsigned char *out;
        size_t n_out;
        bool ended; /* nothing comes behind `in` */
};

struct inflate_codec {
        /* NULL, with *err filled. */
        void *(*begin)(struct error *err);
        /* Another member follows the one that ended. */
        int (*restart)(void *state, struct error *err);
        /* Takes from `in` and gives to `out` what it can: 1 when a member has ended, 0, or an error. */
        int (*step)(void *state, struct inflate_io *io, struct error *err);
        void (*finish)(void *state);
};

/* NULL: there is no isa-l. */
const struct inflate_codec *inflate_codec_isal(void);
const struct inflate_codec *inflate_codec_zlib(void);
const struct inflate_codec *inflate_codec_zstd(void);
const struct inflate_codec *inflate_codec_xz(void);
