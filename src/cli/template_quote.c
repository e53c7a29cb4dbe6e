/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/template_verb.h"

/* The letter behind the backslash, 0 for none. */
static char escape_letter(char c)
{
        static const char letters[] = "abfnrtv\\", meanings[] = "\a\b\f\n\r\t\v\\";
        const char *found = c ? strchr(meanings, c) : NULL;

        if (!found)
                return '\0';
        return letters[found - meanings];
}

static void add_byte(struct buf *out, char c, char quote)
{
        char letter = escape_letter(c);

        if (c == quote)
                letter = c;
        if (letter)
                buf_addf(out, "\\%c", letter);
        else if ((unsigned char)c < ' ' || (unsigned char)c >= 0x7f)
                buf_addf(out, "\\x%02x", (unsigned char)c);
        else
                buf_add(out, &c, 1);
}

static uint32_t decode(const char *s, size_t n)
{
        uint32_t c = (unsigned char)*s & (0xffU >> (n + 1));

        for (size_t i = 1; i < n; i++)
                c = c << 6 | ((unsigned char)s[i] & 0x3f);
        return c;
}

void template_quote(struct buf *out, const char *text, size_t len, char quote, bool ascii)
{
        buf_add(out, &quote, 1);
        for (size_t i = 0, n; i < len; i += n) {
                n = (unsigned char)text[i] < 0x80 ? 1 : utf8_length(text + i);
                if (n < 2 || n > len - i) {
                        n = 1;
                        add_byte(out, text[i], quote);
                } else if (ascii) {
                        uint32_t c = decode(text + i, n);

                        buf_addf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
                } else {
                        buf_add(out, text + i, n);
                }
        }
        buf_add(out, &quote, 1);
}
