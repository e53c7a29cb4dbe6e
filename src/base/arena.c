/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 4096 - 64 };

struct arena_chunk {
        struct arena_chunk *next;
        size_t used, size;
        alignas(max_align_t) unsigned char data[];
};

static struct arena_chunk *chunk_add(struct arena *a, size_t need)
{
        size_t size = need > CHUNK_SIZE ? need : CHUNK_SIZE;
        struct arena_chunk *c = calloc(1, sizeof *c + size);

        if (!c)
                return NULL;
        c->size = size;
        c->next = a->chunks;
        a->chunks = c;
        return c;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
        const size_t align = alignof(max_align_t);
        struct arena_chunk *c = a->chunks;
        size_t need;
        void *p;

        if (__builtin_mul_overflow(count, size, &need) || need > SIZE_MAX / 2)
                return NULL;
        need = (need + align - 1) & ~(align - 1);
        if (!c || c->size - c->used < need)
                c = chunk_add(a, need);
        if (!c)
                return NULL;
        p = c->data + c->used;
        c->used += need;
        return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
        size_t n = strlen(s) + 1;
        char *p = arena_alloc(a, n, 1);

        return p ? memcpy(p, s, n) : NULL;
}

void arena_finish(struct arena *a)
{
        struct arena_chunk *c = a->chunks, *next;

        for (; c; c = next) {
                next = c->next;
                free(c);
        }
        a->chunks = NULL;
}
