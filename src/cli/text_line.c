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

void text_add_line(struct buf *out, const char *text, size_t width)
{
        size_t at = out->len, cut = 0;

        for (size_t n = 1; *text; n++) {
                size_t len = utf8_length(text);

                if (n == width)
                        cut = out->len;
                if (width && n > width) {
                        out->len = at > cut ? at : cut;
                        buf_add_str(out, "\u2026");
                        return;
                }
                buf_add(out, !len || is_control(text) ? " " : text, !len || is_control(text) ? 1 : len);
                text += len ? len : 1;
        }
}
