/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdbool.h>

static bool is_tail(char c)
{
        return ((unsigned char)c & 0xc0) == 0x80;
}

/* Unicode 15, table 3-7 */
size_t utf8_length(const char *s)
{
        unsigned char a = (unsigned char)s[0], b = (unsigned char)s[1];

        if (a < 0x80)
                return 1;
        if (a >= 0xc2 && a <= 0xdf)
                return is_tail(s[1]) ? 2 : 0;
        if (a >= 0xe0 && a <= 0xef) {
                if (b < (a == 0xe0 ? 0xa0 : 0x80) || b > (a == 0xed ? 0x9f : 0xbf))
                        return 0;
                return is_tail(s[2]) ? 3 : 0;
        }
        if (a >= 0xf0 && a <= 0xf4) {
                if (b < (a == 0xf0 ? 0x90 : 0x80) || b > (a == 0xf4 ? 0x8f : 0xbf))
                        return 0;
                return is_tail(s[2]) && is_tail(s[3]) ? 4 : 0;
        }
        return 0;
}

char *utf8_put(char *out, uint32_t c)
{
        if (c < 0x80) {
                *out++ = (char)c;
        } else if (c < 0x800) {
                *out++ = (char)(0xc0 | c >> 6);
                *out++ = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
                *out++ = (char)(0xe0 | c >> 12);
                *out++ = (char)(0x80 | (c >> 6 & 0x3f));
                *out++ = (char)(0x80 | (c & 0x3f));
        } else {
                *out++ = (char)(0xf0 | c >> 18);
                *out++ = (char)(0x80 | (c >> 12 & 0x3f));
                *out++ = (char)(0x80 | (c >> 6 & 0x3f));
                *out++ = (char)(0x80 | (c & 0x3f));
        }
        return out;
}
