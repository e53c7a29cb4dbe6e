/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/gzip_header.h"

#include <errno.h>
#include <zlib.h>

enum { FLAG_SUM = 2, FLAG_EXTRA = 4, FLAG_NAME = 8, FLAG_COMMENT = 16, FLAGS_RESERVED = 0xe0 };
enum { FIXED = 10, FLAGS_AT = 3 };

static bool has_field(const struct gzip_header *h, enum gzip_field field)
{
        switch (field) {
        case GZIP_EXTRA_LEN:
        case GZIP_EXTRA:
                return h->flags & FLAG_EXTRA;
        case GZIP_NAME:
                return h->flags & FLAG_NAME;
        case GZIP_COMMENT:
                return h->flags & FLAG_COMMENT;
        case GZIP_SUM:
                return h->flags & FLAG_SUM;
        default:
                return true;
        }
}

static void next_field(struct gzip_header *h)
{
        do
                h->field++;
        while (!has_field(h, h->field) || (h->field == GZIP_EXTRA && !h->extra_len));
        h->at = 0;
}

static int take_fixed(struct gzip_header *h, unsigned char byte, struct error *err)
{
        static const unsigned char magic[] = { 0x1f, 0x8b, 8 };

        if (h->at < sizeof magic && byte != magic[h->at])
                return error_set(err, EBADMSG, "no gzip header where one belongs");
        if (h->at == FLAGS_AT)
                h->flags = byte;
        if (h->at == FLAGS_AT && (byte & FLAGS_RESERVED))
                return error_set(err, EBADMSG, "a gzip header with unknown flags");
        return ++h->at == FIXED;
}

/* 1 when the field has ended. */
static int take_byte(struct gzip_header *h, unsigned char byte, struct error *err)
{
        switch (h->field) {
        case GZIP_FIXED:
                return take_fixed(h, byte, err);
        case GZIP_EXTRA_LEN:
                h->extra_len = (uint16_t)(h->extra_len | byte << 8 * h->at);
                return ++h->at == 2;
        case GZIP_EXTRA:
                return ++h->at == h->extra_len;
        case GZIP_SUM:
                h->sum = (uint16_t)(h->sum | byte << 8 * h->at);
                if (++h->at == 2 && h->sum != (h->crc & 0xffff))
                        return error_set(err, EBADMSG, "the checksum of a gzip header is wrong");
                return h->at == 2;
        default:
                return byte == 0; /* of texts */
        }
}

int gzip_header_take(struct gzip_header *h, const unsigned char **data, size_t *n, struct error *err)
{
        while (*n && h->field != GZIP_BODY) {
                const enum gzip_field field = h->field;
                int r = take_byte(h, **data, err);

                if (r < 0)
                        return r;
                if (field != GZIP_SUM)
                        h->crc = (uint32_t)crc32(h->crc, *data, 1);
                if (r)
                        next_field(h);
                ++*data;
                --*n;
        }
        return h->field == GZIP_BODY;
}
