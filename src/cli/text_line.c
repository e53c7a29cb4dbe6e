/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text_line.h"

#include <string.h>

#include "base/utf8.h"

/* C0, delete, and C1 as UTF-8 has it (U+0080 to U+009F). */
static bool is_control(const char *s)
{
        unsigned char c = (unsigned char)s[0], next = (unsigned char)s[c != 0];

        return c < ' ' || c == 0x7f || (c == 0xc2 && next < 0xa0);
}

/* The next character of the text, whole or as a space; returns its length. */
static size_t add_character(struct buf *out, const char *text, bool stays)
{
        size_t len = utf8_length(text);

        if (!stays && (!len || is_control(text)))
                buf_add_str(out, " ");
        else
                buf_add(out, text, len);
        return len ? len : 1;
}

void text_add_line(struct buf *out, const char *text, size_t width)
{
        size_t at = out->len, cut = 0;

        for (size_t n = 1; *text; n++) {
                if (n == width)
                        cut = out->len;
                if (width && n > width) {
                        out->len = at > cut ? at : cut;
                        buf_add_str(out, "\u2026");
                        return;
                }
                text += add_character(out, text, false);
        }
}

void text_add_lines(struct buf *out, const char *text)
{
        while (*text)
                text += add_character(out, text, *text == '\n' || *text == '\t');
}
