/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buf *out, const void *data, size_t n)
{
        const unsigned char *p = data;

        for (; n; p += 3) {
                size_t have = n < 3 ? n : 3;
                uint32_t bits = (uint32_t)p[0] << 16;
                char text[4];

                bits |= have > 1 ? (uint32_t)p[1] << 8 : 0;
                bits |= have > 2 ? p[2] : 0;
                for (size_t i = 0; i < 4; i++)
                        text[i] = (char)(i <= have ? digits[bits >> (18 - 6 * i) & 63] : '=');
                buf_add(out, text, sizeof text);
                n -= have;
        }
}

/* One more than the digit's value; 0: it is none. */
static const unsigned char values[256] = {
        ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
        ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
        ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
        ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
        ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
        ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
        ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
        ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* The bits of four characters; *ret_n: the bytes they stand for. */
static int group_decode(const char *text, uint32_t *ret_bits, size_t *ret_n)
{
        const unsigned char *c = (const unsigned char *)text;
        const unsigned v[] = { values[c[0]], values[c[1]], values[c[2]], values[c[3]] };
        uint32_t bits = 0;
        size_t n = 4;

        while (n && !v[n - 1] && text[n - 1] == '=')
                n--;
        for (size_t i = 0; i < n; i++) {
                if (!v[i])
                        return -EINVAL;
                bits |= (v[i] - 1) << (18 - 6 * i);
        }
        /* One character is no byte, and the bits behind the last byte are zero. */
        if (n < 2 || (n < 4 && bits & (n == 2 ? 0xffff : 0xff)))
                return -EINVAL;
        *ret_bits = bits;
        *ret_n = n - 1;
        return 0;
}

int base64_decode(const char *text, struct buf *ret)
{
        size_t len = strlen(text), n = 0;
        own_mem unsigned char *bytes = malloc(len / 4 * 3 + 1);
        uint32_t bits;

        if (len % 4)
                return -EINVAL;
        if (!bytes)
                return -ENOMEM;
        for (const char *p = text; *p; p += 4) {
                size_t more;

                if (group_decode(p, &bits, &more) < 0 || (more < 3 && p[4]))
                        return -EINVAL;
                for (size_t i = 0; i < more; i++)
                        bytes[n++] = (unsigned char)(bits >> (16 - 8 * i));
        }
        buf_add(ret, bytes, n);
        return buf_failed(ret) ? -ENOMEM : 0;
}
