/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a gzip member (RFC 1952, 2.3), in pieces of any size: isa-l's own reader takes a wrong sum of one that
 * comes in pieces. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum gzip_field { GZIP_FIXED, GZIP_EXTRA_LEN, GZIP_EXTRA, GZIP_NAME, GZIP_COMMENT, GZIP_SUM, GZIP_BODY };

/* Zeroed, it expects a header. */
struct gzip_header {
        enum gzip_field field;
        size_t at; /* in the field */
        uint8_t flags;
        uint16_t extra_len, sum;
        uint32_t crc;
};

/* Takes bytes from *data until the header has ended (1) or no more are there (0). -EBADMSG. */
int gzip_header_take(struct gzip_header *h, const unsigned char **data, size_t *n, struct error *err);
