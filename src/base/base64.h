/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64 (RFC 4648, section 4), with padding. */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/* Appends the text for n bytes. */
void base64_add(struct buf *out, const void *data, size_t n);

/* Appends the bytes that the whole text stands for; -EINVAL for a text that no encoder makes. */
int base64_decode(const char *text, struct buf *ret);
