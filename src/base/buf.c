/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct buf *b, size_t more)
{
        size_t cap = b->cap ? b->cap : 256;
        char *p;

        if (b->failed)
                return false;
        if (more >= SIZE_MAX / 4 - b->len) {
                b->failed = true;
                return false;
        }
        while (cap < b->len + more + 1)
                cap *= 2;
        if (cap == b->cap)
                return true;
        p = realloc(b->data, cap);
        if (!p) {
                b->failed = true;
                return false;
        }
        b->data = p;
        b->cap = cap;
        return true;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
        if (!len || !reserve(b, len))
                return;
        memcpy(b->data + b->len, data, len);
        b->len += len;
        b->data[b->len] = '\0';
}

void buf_add_str(struct buf *b, const char *s)
{
        buf_add(b, s, strlen(s));
}

void buf_addf(struct buf *b, const char *format, ...)
{
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(NULL, 0, format, ap);
        va_end(ap);
        if (n < 0 || !reserve(b, (size_t)n))
                return;
        va_start(ap, format);
        vsnprintf(b->data + b->len, (size_t)n + 1, format, ap);
        va_end(ap);
        b->len += (size_t)n;
}

const char *buf_str(const struct buf *b)
{
        return b->data ? b->data : "";
}

bool buf_failed(const struct buf *b)
{
        return b->failed;
}

void buf_finish(struct buf *b)
{
        free(b->data);
        *b = (struct buf){};
}
