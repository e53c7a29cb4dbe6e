/* SPDX-License-Identifier: Apache-2.0 */
/* Content digests: "sha256:" and 64 lower-case hexadecimal digits, or "sha512:" and 128 (image-spec, descriptor.md). */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/sha256.h"

struct digest {
        char text[136]; /* "" for none */
};

/* -EINVAL for anything else, with upper-case digits, another algorithm or a rest behind it. */
int digest_parse(const char *text, struct digest *ret, struct error *err);

bool digest_equal(const struct digest *a, const struct digest *b);

/* The digits alone. */
const char *digest_hex(const struct digest *d);

/* Of a stream that has ended (sha256_end() is called), and of a text in memory. */
void digest_end(struct sha256 *h, struct digest *ret);
void digest_of_bytes(const void *data, size_t n, struct digest *ret);
