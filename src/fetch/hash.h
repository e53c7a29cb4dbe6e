/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of streams, by libcrypto. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "oci/digest.h"

struct hash;

/* The word of a digest: "sha512"; "sha256" also for none. */
const char *hash_algorithm(const struct digest *d);

/* algorithm: "sha256" or "sha512". NULL without memory or without the algorithm. */
struct hash *hash_new(const char *algorithm);
void hash_free(struct hash *h);

static inline void hash_free_(struct hash **h)
{
        hash_free(*h);
}
#define own_hash __attribute__((cleanup(hash_free_)))

void hash_add(struct hash *h, const void *data, size_t n);
/* Ends the stream. */
void hash_end(struct hash *h, struct digest *ret);

/* sha256 of a text that is in memory. */
int hash_of(const void *data, size_t n, struct digest *ret, struct error *err);
/* -EBADMSG unless the text has this digest (of either algorithm). */
int hash_check(const void *data, size_t n, const struct digest *expected, struct error *err);
