/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "store/tar_header.h"

#define MAX_OCTAL UINT64_C(077777777777)

static void add_block(struct buf *out, char type, const char *name, uint64_t size)
{
        struct tar_header h = { .type = type, .magic = "ustar" };
        unsigned sum = 0;

        memcpy(h.magic + 6, "00", 2);
        memcpy(h.name, name, strnlen(name, sizeof h.name));
        snprintf(h.mode, sizeof h.mode, "%07o", type == '5' ? 0755 : 0644);
        snprintf(h.uid, sizeof h.uid, "%07o", 0);
        snprintf(h.gid, sizeof h.gid, "%07o", 0);
        snprintf(h.size, sizeof h.size, "%011" PRIo64, size <= MAX_OCTAL ? size : 0);
        snprintf(h.mtime, sizeof h.mtime, "%011o", 0);
        memset(h.sum, ' ', sizeof h.sum);
        for (size_t i = 0; i < sizeof h; i++)
                sum += ((const unsigned char *)&h)[i];
        snprintf(h.sum, sizeof h.sum, "%06o", sum);
        buf_add(out, &h, sizeof h);
}

/* "LEN KEY=VALUE\n", where LEN counts its own digits. */
static void add_record(struct buf *out, const char *key, const char *value)
{
        size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;

        while ((size_t)snprintf(NULL, 0, "%zu", len) + rest != len)
                len++;
        buf_addf(out, "%zu %s=%s\n", len, key, value);
}

void tar_write_header(struct buf *out, enum tar_type type, const char *name, uint64_t size)
{
        static const char zeros[TAR_BLOCK];
        own_buf struct buf records = {};
        char number[24];

        if (strlen(name) > sizeof((struct tar_header *)0)->name)
                add_record(&records, "path", name);
        snprintf(number, sizeof number, "%" PRIu64, size);
        if (size > MAX_OCTAL)
                add_record(&records, "size", number);
        if (records.len) {
                add_block(out, 'x', "pax", records.len);
                buf_add(out, records.data, records.len);
                buf_add(out, zeros, -records.len % TAR_BLOCK);
        }
        add_block(out, type == TAR_DIRECTORY ? '5' : '0', name, size);
        out->failed |= records.failed;
}

void tar_write_end(struct buf *out)
{
        static const char zeros[2 * TAR_BLOCK];

        buf_add(out, zeros, sizeof zeros);
}
