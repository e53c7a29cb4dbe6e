/* SPDX-License-Identifier: Apache-2.0 */
/* Private to deflate*.c: one way to compress. */
#pragma once

#include "fetch/deflate.h"

struct deflate_output {
        deflate_write write;
        void *userdata;
};

struct deflate_codec {
        /* NULL, with *err filled. */
        void *(*begin)(int level, unsigned threads, struct deflate_output out, struct error *err);
        int (*add)(void *state, const void *data, size_t n, struct error *err);
        int (*end)(void *state, struct error *err);
        void (*finish)(void *state);
};

const struct deflate_codec *deflate_codec_gzip(void);
const struct deflate_codec *deflate_codec_zstd(void);
