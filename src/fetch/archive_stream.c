/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive of images as a stream, read once: `docker save` writes manifest.json behind the layers, so every entry
 * that looks like a layer becomes one as it comes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/archive.h"
#include "fetch/inflate.h"
#include "store/tar.h"

enum { PIECE = 256 << 10 };

struct stream {
        int input;
        bool begun;            /* `data` has been given out */
        uint64_t taken, given; /* compressed bytes, and what came out of them */
        size_t len;
        struct inflate *inflate; /* NULL: the input is the archive */
        char data[PIECE], plain[PIECE];
};

/* ---- bytes ---- */

/* Fills `data`; fewer bytes only at the end. */
static int fill(struct stream *s, struct error *err)
{
        s->len = 0;
        while (s->len < PIECE) {
                ssize_t n = read(s->input, s->data + s->len, PIECE - s->len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_errno(err, errno, "read the archive");
                if (n == 0)
                        break;
                s->len += (size_t)n;
        }
        return 0;
}

static ssize_t read_input(void *userdata, const void **ret, struct error *err)
{
        struct stream *s = userdata;
        /* The first was read to look at it. */
        int r = s->begun ? fill(s, err) : 0;

        s->begun = true;
        *ret = s->data;
        s->taken += s->len;
        return r < 0 ? r : (ssize_t)s->len;
}

static ssize_t read_plain(void *userdata, const void **ret, struct error *err)
{
        struct stream *s = userdata;
        ssize_t n = inflate_read(s->inflate, s->plain, PIECE, err);

        *ret = s->plain;
        if (n < 0)
                return n;
        s->given += (uint64_t)n;
        if (s->given > inflate_most(s->taken))
                return error_set(err, EFBIG, "the archive grows out of all proportion when it is inflated");
        return n;
}

/* ---- entries ---- */

/* The first bytes of an entry, and what came with the last of them. */
struct head {
        char bytes[TAR_BLOCK];
        size_t n;
        const char *rest;
        size_t n_rest;
};

static int read_head(struct tar_reader *tar, struct head *h, struct error *err)
{
        const void *data = NULL;
        ssize_t n;

        h->n = h->n_rest = 0;
        while (h->n < sizeof h->bytes && (n = tar_reader_data(tar, &data, err)) != 0) {
                size_t k;

                if (n < 0)
                        return (int)n;
                k = sizeof h->bytes - h->n < (size_t)n ? sizeof h->bytes - h->n : (size_t)n;
                memcpy(h->bytes + h->n, data, k);
                h->n += k;
                h->rest = (const char *)data + k;
                h->n_rest = (size_t)n - k;
        }
        return 0;
}

typedef int (*taker)(void *userdata, const void *data, size_t n, struct error *err);

/* The whole entry, whose head has been read. */
static int give(struct tar_reader *tar, const struct head *h, taker take, void *userdata, struct error *err)
{
        const void *data = NULL;
        ssize_t n = 0;
        int r = take(userdata, h->bytes, h->n, err);

        if (r == 0 && h->n_rest)
                r = take(userdata, h->rest, h->n_rest, err);
        while (r == 0 && (n = tar_reader_data(tar, &data, err)) > 0)
                r = take(userdata, data, (size_t)n, err);
        return n < 0 ? (int)n : r;
}

struct text {
        char *to;
};

static int take_text(void *userdata, const void *data, size_t n, struct error *err)
{
        struct text *t = userdata;

        if (n)
                memcpy(t->to, data, n);
        t->to += n;
        return 0;
}

static int take_document(struct archive *a, struct tar_reader *tar, const struct tar_entry *e, const struct head *h,
                         struct error *err)
{
        struct archive_entry *entry = archive_add(a, e->path, ARCHIVE_DOCUMENT, err);
        struct text t;

        if (!entry || archive_add_text(a, entry, (size_t)e->size, err) < 0)
                return -err->code;
        t.to = entry->text;
        return give(tar, h, take_text, &t, err);
}

/* Many call a layer's file after the digest of its archive: "blobs/sha256/HEX", "HEX.tar". */
static bool named_digest(const char *name, struct digest *ret)
{
        const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
        char text[sizeof ret->text];
        struct error err;

        if (strspn(base, "0123456789abcdef") != 64 || (base[64] && strcmp(base + 64, ".tar") != 0))
                return false;
        snprintf(text, sizeof text, "sha256:%.64s", base);
        return digest_parse(text, ret, &err) == 0;
}

struct layer_taker {
        struct archive_unpack unpack;
        struct archive_layer *layer;
};

static int take_layer_bytes(void *userdata, const void *data, size_t n, struct error *err)
{
        struct layer_taker *t = userdata;

        return archive_unpack_write(&t->unpack, data, n, t->layer, err);
}

static int take_layer(struct archive *a, struct tar_reader *tar, const struct tar_entry *e, const struct head *h,
                      struct error *err)
{
        struct archive_entry *entry = archive_add(a, e->path, ARCHIVE_LAYER, err);
        bool plain = compression_of(h->bytes, h->n) == COMPRESSION_NONE;
        struct layer_taker t = {};
        struct digest d;
        int r = 0;

        if (!entry)
                return -err->code;
        t.layer = &entry->layer;
        if (plain && named_digest(entry->name, &d))
                r = host_has_layer(a->host, &d, err);
        if (r < 0)
                return r;
        if (r > 0) {
                t.layer->diff_id = t.layer->blob = d;
                t.layer->tar_size = t.layer->blob_size = e->size;
                host_progress(a->host, entry->name, HOST_EXISTS, e->size, e->size);
                return 0;
        }
        r = archive_unpack_begin(&t.unpack, a->host, entry->name, e->size, NULL, t.layer, err);
        if (r == 0)
                r = give(tar, h, take_layer_bytes, &t, err);
        if (r == 0)
                r = archive_unpack_end(&t.unpack, t.layer, err);
        unpack_abort(t.unpack.unpack);
        return r;
}

static int take_alias(struct archive *a, const struct tar_entry *e, struct error *err)
{
        struct archive_entry *entry = archive_add(a, e->path, ARCHIVE_ALIAS, err);
        own_mem char *target = NULL;
        int r;

        if (!entry)
                return -err->code;
        target = archive_name(e->type == TAR_SYMLINK ? entry->name : NULL, e->link);
        if (!target)
                return error_set(err, ENOMEM, "out of memory");
        r = archive_add_text(a, entry, strlen(target), err);
        if (r == 0)
                memcpy(entry->text, target, strlen(target));
        return r;
}

static int take_entry(struct archive *a, struct tar_reader *tar, const struct tar_entry *e, struct error *err)
{
        struct head h;
        int r;

        if (e->type == TAR_SYMLINK || e->type == TAR_HARD_LINK)
                return take_alias(a, e, err);
        if (e->type != TAR_FILE || e->sparse)
                return 0;
        r = read_head(tar, &h, err);
        if (r < 0)
                return r;
        if (compression_of(h.bytes, h.n) != COMPRESSION_NONE || tar_begins_with(h.bytes, h.n))
                return take_layer(a, tar, e, &h, err);
        if (e->size <= ARCHIVE_MAX_DOCUMENT)
                return take_document(a, tar, e, &h, err);
        return archive_add(a, e->path, ARCHIVE_OTHER, err) ? 0 : -err->code;
}

static int read_entries(struct archive *a, struct tar_reader *tar, struct error *err)
{
        struct tar_entry e;
        int r;

        while ((r = tar_reader_next(tar, &e, err)) > 0) {
                r = take_entry(a, tar, &e, err);
                if (r < 0)
                        return r;
        }
        return r;
}

int archive_read_stream(struct archive *a, int input, struct error *err)
{
        own_mem struct stream *s = calloc(1, sizeof *s);
        own_inflate struct inflate *inflate = NULL;
        own_tar_reader struct tar_reader *tar = NULL;
        enum compression c;
        int r;

        if (!s)
                return error_set(err, ENOMEM, "out of memory");
        s->input = input;
        r = fill(s, err);
        if (r < 0)
                return r;
        c = compression_of(s->data, s->len);
        s->inflate = inflate = inflate_new(c, false, read_input, s, err);
        if (!inflate)
                return -err->code;
        tar = tar_reader_new(c == COMPRESSION_NONE ? read_input : read_plain, NULL, s);
        return tar ? read_entries(a, tar, err) : error_set(err, ENOMEM, "out of memory");
}
