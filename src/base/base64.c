/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

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

/* The bits of four characters; *ret_n: the bytes they stand for. */
static int group_decode(const char *text, uint32_t *ret_bits, size_t *ret_n)
{
        uint32_t bits = 0;
        size_t n = 0;

        for (; n < 4 && text[n] != '='; n++) {
                const char *digit = text[n] ? strchr(digits, text[n]) : NULL;

                if (!digit)
                        return -EINVAL;
                bits |= (uint32_t)(digit - digits) << (18 - 6 * n);
        }
        for (size_t i = n; i < 4; i++) {
                if (text[i] != '=')
                        return -EINVAL;
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
        size_t len = strlen(text);

        if (len % 4)
                return -EINVAL;
        for (const char *p = text; *p; p += 4) {
                unsigned char bytes[3];
                uint32_t bits;
                size_t n;

                if (group_decode(p, &bits, &n) < 0 || (n < 3 && p[4]))
                        return -EINVAL;
                for (size_t i = 0; i < n; i++)
                        bytes[i] = (unsigned char)(bits >> (16 - 8 * i));
                buf_add(ret, bytes, n);
        }
        return buf_failed(ret) ? -ENOMEM : 0;
}
