/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream of blocks. Input is read into one buffer; data is handed out where it stands. An entry is a sequence of
 * headers (global, extended, GNU long names) that ends with the one that has a type of its own.
 */
#include "store/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "store/tar_header.h"

struct tar_reader {
        tar_read read;
        tar_raw raw;
        void *userdata;
        const char *piece;
        size_t at, len;         /* what of the piece is not consumed: [at, len) */
        uint64_t data, padding; /* of the current entry, still to come */
        uint64_t position;      /* in the archive */
        char *global;           /* the records of the last global header */
        size_t global_len;
        struct arena arena;
        struct tar_draft draft;
        bool ended;
};

struct tar_reader *tar_reader_new(tar_read read, tar_raw raw, void *userdata)
{
        struct tar_reader *r = calloc(1, sizeof *r);

        if (!r)
                return NULL;
        *r = (struct tar_reader){ .read = read, .raw = raw, .userdata = userdata };
        return r;
}

void tar_reader_free(struct tar_reader *r)
{
        if (!r)
                return;
        free(r->global);
        free(r->draft.extents);
        arena_finish(&r->arena);
        free(r);
}

/* ---- bytes ---- */

/* Has at least one byte at hand: 1, 0 at the end. */
static int fill(struct tar_reader *r, struct error *err)
{
        const void *piece = NULL;
        ssize_t n;

        if (r->at < r->len)
                return 1;
        r->at = r->len = 0;
        n = r->read(r->userdata, &piece, err);
        if (n < 0)
                return (int)n;
        r->piece = piece;
        r->len = (size_t)n;
        return n > 0;
}

static int tell(const struct tar_reader *r, const void *data, size_t n, struct error *err)
{
        return r->raw ? r->raw(r->userdata, data, n, err) : 0;
}

/* Reads n bytes of headers. 1; 0 when the archive ends before the first. */
static int take(struct tar_reader *r, void *to, size_t n, struct error *err)
{
        size_t got = 0;

        while (got < n) {
                int q = fill(r, err);
                size_t k;

                if (q < 0)
                        return q;
                if (q == 0)
                        return got ? error_set(err, EBADMSG, "the archive is cut off") : 0;
                k = r->len - r->at < n - got ? r->len - r->at : n - got;
                memcpy((char *)to + got, r->piece + r->at, k);
                q = tell(r, r->piece + r->at, k, err);
                if (q < 0)
                        return q;
                r->position += k;
                r->at += k;
                got += k;
        }
        return 1;
}

static int take_all(struct tar_reader *r, void *to, size_t n, struct error *err)
{
        int q = n ? take(r, to, n, err) : 1;

        return q == 0 ? error_set(err, EBADMSG, "the archive is cut off") : q < 0 ? q : 0;
}

ssize_t tar_reader_data(struct tar_reader *r, const void **ret, struct error *err)
{
        size_t n;
        int q;

        if (!r->data)
                return 0;
        q = fill(r, err);
        if (q <= 0)
                return q < 0 ? q : error_set(err, EBADMSG, "the archive is cut off");
        n = r->len - r->at;
        if (n > r->data)
                n = (size_t)r->data;
        *ret = r->piece + r->at;
        r->at += n;
        r->data -= n;
        r->position += n;
        return (ssize_t)n;
}

/* Up to n bytes that mean nothing; fewer only at the end of the archive. */
static int skip(struct tar_reader *r, uint64_t n, struct error *err)
{
        int q = 0;

        while (n && (q = fill(r, err)) > 0) {
                size_t k = r->len - r->at < n ? r->len - r->at : (size_t)n;

                q = tell(r, r->piece + r->at, k, err);
                if (q < 0)
                        break;
                r->position += k;
                r->at += k;
                n -= k;
        }
        return q < 0 ? q : 0;
}

/*
 * What is left of the entry: its data, then the zeros (or whatever is there) up to the next block. An archive may end
 * before them: Go's programs do not mind, and umoci writes such ones.
 */
static int finish_entry(struct tar_reader *r, struct error *err)
{
        const void *data = NULL;
        ssize_t n;
        int q = 0;

        while (q == 0 && (n = tar_reader_data(r, &data, err)) != 0)
                q = n < 0 ? (int)n : tell(r, data, (size_t)n, err);
        if (q == 0)
                q = skip(r, r->padding, err);
        r->padding = 0;
        return q;
}

static uint64_t padding_of(uint64_t size)
{
        return -size % TAR_BLOCK;
}

/* ---- headers before the header ---- */

/* The data of a header entry, with a NUL behind it. */
static char *take_content(struct tar_reader *r, const struct tar_header *h, size_t max, size_t *ret_len,
                          struct error *err)
{
        own_mem char *text = NULL;
        char padding[TAR_BLOCK];
        int64_t size;

        if (tar_number(h->size, sizeof h->size, &size) < 0 || size < 0 || (uint64_t)size > max) {
                error_set(err, EFBIG, "a header is longer than %zu bytes", max);
                return NULL;
        }
        text = malloc((size_t)size + 1);
        if (!text) {
                error_set(err, ENOMEM, "out of memory");
                return NULL;
        }
        if (take_all(r, text, (size_t)size, err) < 0 ||
            take_all(r, padding, (size_t)padding_of((uint64_t)size), err) < 0)
                return NULL;
        text[size] = '\0';
        *ret_len = (size_t)size;
        return take_ptr(text);
}

static int take_global(struct tar_reader *r, const struct tar_header *h, struct error *err)
{
        size_t len;
        char *text = take_content(r, h, TAR_MAX_GLOBAL, &len, err);

        if (!text)
                return -err->code;
        free(r->global);
        r->global = text;
        r->global_len = len;
        return 0;
}

/* Into the draft's arena, as the parser cuts it to pieces and keeps them. */
static int take_records(struct tar_reader *r, const char *text, size_t len, struct error *err)
{
        char *own = arena_alloc(&r->arena, 1, len + 1);

        if (!own)
                return error_set(err, ENOMEM, "out of memory");
        if (len)
                memcpy(own, text, len);
        return tar_pax_take(own, len, &r->draft, err);
}

static int take_extended(struct tar_reader *r, const struct tar_header *h, struct error *err)
{
        size_t len = 0;
        own_mem char *text = take_content(r, h, TAR_MAX_HEADER, &len, err);

        return text ? take_records(r, text, len, err) : -err->code;
}

static int take_long_name(struct tar_reader *r, const struct tar_header *h, struct error *err)
{
        size_t len = 0;
        own_mem char *text = take_content(r, h, TAR_MAX_PATH, &len, err);
        char *own;

        if (!text)
                return -err->code;
        if (strlen(text) >= TAR_MAX_PATH)
                return error_set(err, ENAMETOOLONG, "a long name has %zu bytes", len);
        own = arena_strdup(&r->arena, text);
        if (!own)
                return error_set(err, ENOMEM, "out of memory");
        if (h->type == 'L')
                r->draft.e.path = own, r->draft.has_path = true;
        else
                r->draft.e.link = own, r->draft.has_link = true;
        return 0;
}

/* ---- sparse files ---- */

static int take_pieces(struct tar_draft *d, const struct tar_gnu_piece *pieces, size_t n, struct error *err)
{
        for (size_t i = 0; i < n && pieces[i].len[0]; i++) {
                int64_t offset, len;
                int q = -EINVAL;

                if (tar_number(pieces[i].offset, sizeof pieces[i].offset, &offset) == 0 &&
                    tar_number(pieces[i].len, sizeof pieces[i].len, &len) == 0 && offset >= 0 && len >= 0)
                        q = tar_draft_add_extent(d, (uint64_t)offset, (uint64_t)len);
                if (q < 0)
                        return error_errno(err, -q, "%s: its map of holes", d->e.path);
        }
        return 0;
}

static int take_gnu_sparse(struct tar_reader *r, const struct tar_header *h, struct error *err)
{
        struct tar_draft *d = &r->draft;
        struct tar_gnu_extension more;
        struct tar_gnu_tail tail;
        int64_t real;
        bool extended;
        int q;

        memcpy(&tail, h->prefix, sizeof tail);
        if (tar_number(tail.real_size, sizeof tail.real_size, &real) < 0 || real < 0)
                return error_set(err, EBADMSG, "%s: its size is no number that can be", d->e.path);
        d->real_size = (uint64_t)real;
        d->has_real_size = true;
        q = take_pieces(d, tail.pieces, ARRAY_SIZE(tail.pieces), err);
        for (extended = tail.is_extended; q == 0 && extended; extended = more.is_extended) {
                q = take_all(r, &more, sizeof more, err);
                if (q == 0)
                        q = take_pieces(d, more.pieces, ARRAY_SIZE(more.pieces), err);
        }
        return q;
}

struct map_reader {
        struct tar_reader *r;
        char block[TAR_BLOCK];
        size_t at;
        uint64_t left; /* of the entry's data */
};

/* pax 1.0: a decimal number and a newline, in the blocks before the data. */
static int map_number(struct map_reader *m, uint64_t *ret, struct error *err)
{
        char text[24];
        size_t n = 0;

        for (;;) {
                if (m->at == TAR_BLOCK) {
                        if (m->left < TAR_BLOCK)
                                return error_set(err, EBADMSG, "a map of holes is cut off");
                        if (take_all(m->r, m->block, TAR_BLOCK, err) < 0)
                                return -err->code;
                        m->left -= TAR_BLOCK;
                        m->at = 0;
                }
                text[n] = m->block[m->at++];
                if (text[n] == '\n')
                        break;
                if (++n == sizeof text)
                        return error_set(err, EBADMSG, "a map of holes is malformed");
        }
        text[n] = '\0';
        return parse_u64(text, 10, ret) < 0 ? error_set(err, EBADMSG, "a map of holes is malformed") : 0;
}

static int take_map_in_data(struct tar_reader *r, struct error *err)
{
        struct map_reader m = { .r = r, .at = TAR_BLOCK, .left = r->draft.e.size };
        uint64_t n = 0, offset, len;
        int q = map_number(&m, &n, err);

        for (uint64_t i = 0; q == 0 && i < n; i++) {
                q = map_number(&m, &offset, err);
                if (q == 0)
                        q = map_number(&m, &len, err);
                if (q == 0)
                        q = tar_draft_add_extent(&r->draft, offset, len);
                if (q == -EFBIG || q == -ENOMEM)
                        return error_errno(err, -q, "a map of holes");
        }
        /* The blocks of the map are gone from the data; what fills the last block is counted from its end all the same.
         */
        r->draft.e.size = m.left;
        return q;
}

static int check_extents(struct tar_draft *d, struct error *err)
{
        uint64_t end = 0, sum = 0;

        for (size_t i = 0; i < d->n_extents; i++) {
                const struct tar_extent *x = &d->extents[i];

                if (x->offset < end || x->len > d->real_size || x->offset > d->real_size - x->len)
                        return error_set(err, EBADMSG, "%s: its map of holes makes no sense", d->e.path);
                end = x->offset + x->len;
                sum += x->len;
        }
        if (sum != d->e.size)
                return error_set(err, EBADMSG, "%s: its map of holes does not fit its data", d->e.path);
        return 0;
}

static int take_sparse(struct tar_reader *r, const struct tar_header *h, struct error *err)
{
        struct tar_draft *d = &r->draft;
        int q = 0;

        if (d->e.type != TAR_FILE)
                return 0;
        if (h->type == 'S')
                q = take_gnu_sparse(r, h, err);
        else if (d->sparse_major == 1 && d->sparse_minor == 0)
                q = take_map_in_data(r, err);
        else if (!d->n_extents && !d->has_real_size)
                return 0;
        if (q < 0)
                return q;
        if (d->sparse_name)
                d->e.path = d->sparse_name;
        d->e.sparse = true;
        d->e.sparse_size = d->real_size;
        return check_extents(d, err);
}

/* ---- entries ---- */

static int complete(struct tar_reader *r, const struct tar_header *h, struct tar_entry *ret, struct error *err)
{
        struct tar_draft *d = &r->draft;
        int q = tar_header_take(h, d, err);

        if (q == 0)
                q = take_sparse(r, h, err);
        if (q < 0)
                return q;
        d->e.extents = d->extents;
        d->e.n_extents = d->n_extents;
        d->e.xattrs = d->xattrs;
        d->e.n_xattrs = d->n_xattrs;
        r->data = d->e.size;
        r->padding = padding_of(d->e.size);
        *ret = d->e;
        return 1;
}

/* Two blocks of zeros, or one and nothing more; whatever follows belongs to the archive, as padding. */
static int at_end(struct tar_reader *r, struct error *err)
{
        r->ended = true;
        return skip(r, UINT64_MAX, err);
}

static int begin_draft(struct tar_reader *r, struct error *err)
{
        struct tar_extent *extents = r->draft.extents;
        size_t cap = r->draft.extents_cap;

        arena_finish(&r->arena);
        r->draft = (struct tar_draft){
                .arena = &r->arena, .extents = extents, .extents_cap = cap, .sparse_major = -1, .sparse_minor = -1
        };
        return r->global ? take_records(r, r->global, r->global_len, err) : 0;
}

static int next(struct tar_reader *r, struct tar_entry *ret, struct error *err)
{
        struct tar_header h;
        int q = finish_entry(r, err);

        if (q == 0)
                q = begin_draft(r, err);
        while (q == 0) {
                q = take(r, &h, sizeof h, err);
                if (q <= 0 || tar_header_is_zero(&h))
                        return q < 0 ? q : at_end(r, err);
                if (!tar_header_sum_is_right(&h))
                        return error_set(err, EBADMSG, "no tar header, or a damaged one");
                switch (h.type) {
                case 'x':
                case 'X':
                        q = take_extended(r, &h, err);
                        break;
                case 'g':
                        q = take_global(r, &h, err);
                        if (q == 0)
                                q = begin_draft(r, err);
                        break;
                case 'L':
                case 'K':
                        q = take_long_name(r, &h, err);
                        break;
                default:
                        return complete(r, &h, ret, err);
                }
        }
        return q;
}

int tar_reader_next(struct tar_reader *r, struct tar_entry *ret, struct error *err)
{
        uint64_t position;
        int q;

        if (r->ended)
                return 0;
        position = r->position;
        q = next(r, ret, err);
        return q < 0 ? error_wrap(err, "archive, entry after byte %llu", (unsigned long long)position) : q;
}

bool tar_begins_with(const void *data, size_t n)
{
        struct tar_header h;

        if (n < sizeof h)
                return false;
        memcpy(&h, data, sizeof h);
        return tar_header_is_zero(&h) || tar_header_sum_is_right(&h);
}
