/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The number of bytes of the well-formed UTF-8 sequence that s begins with, 0 when
 * there is none. Reads no further than a NUL byte.
 */
size_t utf8_length(const char *s);

/* Writes the character (up to 0x10ffff) as UTF-8; returns the place behind its 1 to 4 bytes. */
char *utf8_put(char *out, uint32_t c);
