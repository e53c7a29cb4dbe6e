/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer. Appending never returns an error: when memory runs out
 * the buffer remembers it and stays as it was; ask buf_failed() once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf {
        char *data; /* always followed by a NUL byte once anything was appended */
        size_t len, cap;
        bool failed;
};

#define own_buf __attribute__((cleanup(buf_finish)))

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The content as a string; "" for an empty buffer. Valid until the next append. */
const char *buf_str(const struct buf *b);
bool buf_failed(const struct buf *b);
void buf_finish(struct buf *b);
