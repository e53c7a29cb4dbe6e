/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once: for the arrays of a parsed document. */
#pragma once

#include <stddef.h>

struct arena_chunk;

struct arena {
        struct arena_chunk *chunks;
};

/* Zeroed memory for `count` items of `size` bytes, aligned for any type; NULL when there is none. */
void *arena_alloc(struct arena *a, size_t count, size_t size);

/* A copy of the string, NULL when there is no memory. */
char *arena_strdup(struct arena *a, const char *s);

/* Frees everything; the arena may be used again. */
void arena_finish(struct arena *a);
