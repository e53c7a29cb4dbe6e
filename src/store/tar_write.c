/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "store/tar_header.h"

#define MAX_OCTAL UINT64_C(077777777777)
#define MAX_ID 07777777u

/* What the header block itself says; what has no room in it stands in records before it. */
static void add_block(struct buf *out, char type, const struct tar_entry *e, uint64_t size)
{
        struct tar_header h = { .type = type, .magic = "ustar" };
        unsigned sum = 0;

        memcpy(h.magic + 6, "00", 2);
        memcpy(h.name, e->path, strnlen(e->path, sizeof h.name));
        memcpy(h.link, e->link, strnlen(e->link, sizeof h.link));
        snprintf(h.mode, sizeof h.mode, "%07o", e->mode & 07777);
        snprintf(h.uid, sizeof h.uid, "%07o", e->uid <= MAX_ID ? e->uid : 0);
        snprintf(h.gid, sizeof h.gid, "%07o", e->gid <= MAX_ID ? e->gid : 0);
        snprintf(h.size, sizeof h.size, "%011" PRIo64, size <= MAX_OCTAL ? size : 0);
        snprintf(h.mtime, sizeof h.mtime, "%011" PRIo64,
                 e->mtime >= 0 && (uint64_t)e->mtime <= MAX_OCTAL ? (uint64_t)e->mtime : 0);
        if (type == '3' || type == '4') {
                snprintf(h.major, sizeof h.major, "%07o", e->major & MAX_ID);
                snprintf(h.minor, sizeof h.minor, "%07o", e->minor & MAX_ID);
        }
        memset(h.sum, ' ', sizeof h.sum);
        for (size_t i = 0; i < sizeof h; i++)
                sum += ((const unsigned char *)&h)[i];
        snprintf(h.sum, sizeof h.sum, "%06o", sum);
        buf_add(out, &h, sizeof h);
}

/* "LEN KEY=VALUE\n", where LEN counts its own digits. */
static void add_record(struct buf *out, const char *prefix, const char *key, const void *value, size_t len)
{
        size_t rest = strlen(prefix) + strlen(key) + len + 3, whole = rest + 1;

        while ((size_t)snprintf(NULL, 0, "%zu", whole) + rest != whole)
                whole++;
        buf_addf(out, "%zu %s%s=", whole, prefix, key);
        buf_add(out, value, len);
        buf_add_str(out, "\n");
}

static void add_text(struct buf *out, const char *key, const char *value)
{
        add_record(out, "", key, value, strlen(value));
}

static void add_number(struct buf *out, const char *key, uint64_t value)
{
        char text[24];

        snprintf(text, sizeof text, "%" PRIu64, value);
        add_text(out, key, text);
}

/* A time before 1970 with a part of a second: -2 and 750 million nanoseconds are "-1.25". */
static void add_time(struct buf *out, int64_t sec, uint32_t nsec)
{
        bool negative = sec < 0 && nsec;
        int64_t whole = negative ? sec + 1 : sec;
        char text[48];

        snprintf(text, sizeof text, "%s%" PRId64 ".%09" PRIu32, negative && whole == 0 ? "-" : "", whole,
                 negative ? 1000000000 - nsec : nsec);
        add_text(out, "mtime", text);
}

static void add_sparse(struct buf *out, const struct tar_entry *e)
{
        add_text(out, "GNU.sparse.major", "1");
        add_text(out, "GNU.sparse.minor", "0");
        add_text(out, "GNU.sparse.name", e->path);
        add_number(out, "GNU.sparse.realsize", e->sparse_size);
}

static void add_records(struct buf *out, const struct tar_entry *e, uint64_t size)
{
        const size_t name_max = sizeof((struct tar_header *)0)->name;

        if (e->sparse)
                add_sparse(out, e);
        else if (strlen(e->path) > name_max)
                add_text(out, "path", e->path);
        if (strlen(e->link) > name_max)
                add_text(out, "linkpath", e->link);
        if (size > MAX_OCTAL)
                add_number(out, "size", size);
        if (e->uid > MAX_ID)
                add_number(out, "uid", e->uid);
        if (e->gid > MAX_ID)
                add_number(out, "gid", e->gid);
        if (e->mtime_nsec || e->mtime < 0 || (uint64_t)e->mtime > MAX_OCTAL)
                add_time(out, e->mtime, e->mtime_nsec);
        for (size_t i = 0; i < e->n_xattrs; i++)
                add_record(out, "SCHILY.xattr.", e->xattrs[i].name, e->xattrs[i].value, e->xattrs[i].len);
}

static void add_headers(struct buf *out, const struct tar_entry *e, uint64_t size)
{
        static const char types[] = {
                [TAR_FILE] = '0',         [TAR_HARD_LINK] = '1', [TAR_SYMLINK] = '2', [TAR_CHARACTER] = '3',
                [TAR_BLOCK_DEVICE] = '4', [TAR_DIRECTORY] = '5', [TAR_FIFO] = '6',
        };
        static const struct tar_entry pax = { .path = "pax", .link = "", .mode = 0644 };
        own_buf struct buf records = {};

        add_records(&records, e, size);
        if (records.len) {
                add_block(out, 'x', &pax, records.len);
                buf_add(out, records.data, records.len);
                tar_write_padding(out, records.len);
        }
        add_block(out, types[e->type], e, size);
        out->failed |= records.failed;
}

/* The map of pax 1.0: how many extents, then each one's offset and length, a line a number. */
static uint64_t write_map(struct buf *out, const struct tar_entry *e)
{
        uint64_t size = 0;

        buf_addf(out, "%zu\n", e->n_extents);
        for (size_t i = 0; i < e->n_extents; i++) {
                buf_addf(out, "%" PRIu64 "\n%" PRIu64 "\n", e->extents[i].offset, e->extents[i].len);
                size += e->extents[i].len;
        }
        tar_write_padding(out, out->len);
        return size + out->len;
}

void tar_write_entry(struct buf *out, const struct tar_entry *e)
{
        own_buf struct buf map = {};

        if (!e->sparse) {
                add_headers(out, e, e->size);
                return;
        }
        add_headers(out, e, write_map(&map, e));
        buf_add(out, map.data, map.len);
        out->failed |= map.failed;
}

void tar_write_header(struct buf *out, enum tar_type type, const char *name, uint64_t size)
{
        tar_write_entry(out, &(struct tar_entry){ .type = type,
                                                  .path = name,
                                                  .link = "",
                                                  .mode = type == TAR_DIRECTORY ? 0755 : 0644,
                                                  .size = size });
}

void tar_write_padding(struct buf *out, uint64_t n)
{
        static const char zeros[TAR_BLOCK];

        buf_add(out, zeros, -n % TAR_BLOCK);
}

void tar_write_end(struct buf *out)
{
        static const char zeros[2 * TAR_BLOCK];

        buf_add(out, zeros, sizeof zeros);
}
