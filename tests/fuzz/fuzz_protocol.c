/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever comes over a connection: frames stay within their bounds, and are the same however the bytes were cut. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "instance/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

/* Appends the frames again to `out`; the result of the last protocol_next(). */
static int take_frames(struct protocol_reader *r, struct buf *out)
{
        struct frame f;
        int n;

        while ((n = protocol_next(r, &f)) > 0) {
                unsigned char header[PROTOCOL_HEADER];

                require(protocol_limit(f.type) >= 0 && f.len <= (uint32_t)protocol_limit(f.type));
                protocol_header(header, f.type, f.len);
                protocol_put_u16(header + 6, f.session);
                buf_add(out, header, sizeof header);
                buf_add(out, f.payload, f.len);
        }
        return n;
}

/* step: bytes at once */
static int read_cut(const uint8_t *data, size_t size, size_t step, bool may_start, struct buf *out)
{
        struct protocol_reader r = { .may_start = may_start };
        int n = 0;

        for (size_t at = 0; n == 0 && at < size; at += step) {
                size_t now = size - at < step ? size - at : step;

                if (protocol_feed(&r, data + at, now) < 0)
                        break;
                n = take_frames(&r, out);
                protocol_reader_rest(&r);
                /* It never holds more than a frame and a read. */
                require(may_start || r.cap <= PROTOCOL_HEADER + PROTOCOL_MAX_DATA + 2 * step);
        }
        protocol_reader_finish(&r);
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_buf struct buf whole = {}, cut = {}, single = {}, with_start = {};
        int n, m;

        if (!size)
                return 0;
        n = read_cut(data, size, size, false, &whole);
        require(whole.len <= size && (!whole.len || memcmp(whole.data, data, whole.len) == 0));
        m = read_cut(data, size, 1 + data[0] % 40, false, &cut);
        require(n == m && whole.len == cut.len && (!cut.len || memcmp(whole.data, cut.data, cut.len) == 0));
        if (size < 4096)
                require(read_cut(data, size, 1, false, &single) == n && single.len == whole.len);
        if (size < 65536)
                read_cut(data, size, 1000, true, &with_start);
        return 0;
}
