/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression of a stream: gzip in pieces, each by a thread of its own (as pigz does it: a piece begins with what the
 * one before it ended with for a dictionary, and is one member with it), or zstd. What comes out depends on what comes
 * in, the level and the library, not on the number of threads nor on how the bytes were handed over.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "oci/image_manifest.h"

struct deflate;

/* Gets all n bytes, in the thread that calls deflate_add() or deflate_end(). */
typedef int (*deflate_write)(void *userdata, const void *data, size_t n, struct error *err);

/* level: 0 for the usual one. threads: 0 for as many as there are processors. -EOPNOTSUPP: xz. */
struct deflate *deflate_new(enum compression c, int level, unsigned threads, deflate_write write, void *userdata,
                            struct error *err);
void deflate_free(struct deflate *d);

static inline void deflate_free_(struct deflate **d)
{
        deflate_free(*d);
}
#define own_deflate __attribute__((cleanup(deflate_free_)))

int deflate_add(struct deflate *d, const void *data, size_t n, struct error *err);
/* Nothing comes any more: the rest goes out. */
int deflate_end(struct deflate *d, struct error *err);
