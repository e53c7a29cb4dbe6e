/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever compressed bytes come, by pieces of any size: they are refused or inflated, and isa-l and zlib agree. The
 * first byte chooses the size of the pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT = 1 << 20 };

struct input {
        const uint8_t *data;
        size_t size, piece;
};

static ssize_t give(void *userdata, const void **ret, struct error *err)
{
        struct input *in = userdata;
        size_t k = in->size < in->piece ? in->size : in->piece;

        *ret = in->data;
        in->data += k;
        in->size -= k;
        return (ssize_t)k;
}

/* As much as fits into OUTPUT; what it was, or the error. */
static ssize_t decompress(enum compression c, bool portable, const uint8_t *data, size_t size, size_t piece, char *to)
{
        struct input in = { data, size, piece };
        struct error err = {};
        own_inflate struct inflate *i = inflate_new(c, portable, give, &in, &err);
        ssize_t n = i ? inflate_read(i, to, OUTPUT, &err) : -err.code;

        if (n < 0 && (n != -err.code || !*err.text))
                abort();
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_mem char *one = malloc(OUTPUT), *other = malloc(OUTPUT);
        enum compression c;
        ssize_t n, k;
        size_t piece;

        if (size < 1 || !one || !other)
                return 0;
        piece = (size_t)data[0] + 1;
        data++;
        size--;
        c = compression_of(data, size);
        n = decompress(c, false, data, size, piece, one);
        k = decompress(c, true, data, size, size + 1, other);
        /* One may see sooner that something is wrong. */
        if (n >= 0 && k >= 0 && (n != k || memcmp(one, other, (size_t)n) != 0))
                abort();
        return 0;
}
