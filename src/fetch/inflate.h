/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompression as a stream that is read: gzip (RFC 1952), zstd (RFC 8878) and xz, each of any number of members, one
 * behind the other. Every member is complete and its checksum right, and nothing else stands behind the last, or it is
 * an error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "oci/image_manifest.h"

enum { COMPRESSION_MAGIC = 6 }; /* so many bytes tell it */

/* What the first bytes say (at least COMPRESSION_MAGIC of them, or all there are). */
enum compression compression_of(const void *data, size_t n);

/* "gzip"; "none" */
const char *compression_name(enum compression c);

struct inflate;

/* The next piece of the compressed bytes: sets *ret, which lives until the next call, and returns its length; 0 at the
 * end. */
typedef ssize_t (*inflate_source)(void *userdata, const void **ret, struct error *err);

/* portable: zlib even where there is isa-l, which is three times as fast. */
struct inflate *inflate_new(enum compression c, bool portable, inflate_source source, void *userdata,
                            struct error *err);
void inflate_free(struct inflate *i);

static inline void inflate_free_(struct inflate **i)
{
        inflate_free(*i);
}
#define own_inflate __attribute__((cleanup(inflate_free_)))

/* Fills `data`; fewer than n bytes only at the end. */
ssize_t inflate_read(struct inflate *i, void *data, size_t n, struct error *err);

/*
 * How many bytes may come out of so many: what compresses better is a bomb, but some images are nearly empty disks, and
 * a few GB of them do no harm.
 */
uint64_t inflate_most(uint64_t compressed);

/* Loads isa-l for good, where it is installed: for a program that will not be able to open its file later. */
void inflate_prepare(void);
