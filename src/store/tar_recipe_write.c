/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/own.h"
#include "store/tar_recipe.h"
#include "store/tar_recipe_format.h"
#include "sys/fd.h"

enum { PENDING = 64 << 10, LEVEL = 3 };

struct tar_recipe_writer {
        int fd;
        ZSTD_CCtx *zstd;
        size_t n_pending;
        char pending[PENDING]; /* bytes, which come in small pieces, and are one record */
        char out[PENDING];
};

static int compress(struct tar_recipe_writer *w, const void *data, size_t n, ZSTD_EndDirective end, struct error *err)
{
        ZSTD_inBuffer in = { data, n, 0 };
        size_t left;

        do {
                ZSTD_outBuffer out = { w->out, sizeof w->out, 0 };
                int r;

                left = ZSTD_compressStream2(w->zstd, &out, &in, end);
                if (ZSTD_isError(left))
                        return error_set(err, ENOMEM, "compress the recipe: %s", ZSTD_getErrorName(left));
                r = out.pos ? fd_write_all(w->fd, w->out, out.pos) : 0;
                if (r < 0)
                        return error_errno(err, -r, "write the recipe");
        } while (in.pos < n || (end == ZSTD_e_end && left));
        return 0;
}

struct tar_recipe_writer *tar_recipe_writer_new(int fd)
{
        struct tar_recipe_writer *w = calloc(1, sizeof *w);

        if (!w)
                return NULL;
        w->fd = fd;
        w->zstd = ZSTD_createCCtx();
        if (!w->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL)) ||
            compress(w, RECIPE_MAGIC, strlen(RECIPE_MAGIC), ZSTD_e_continue, NULL) < 0) {
                tar_recipe_writer_free(w);
                return NULL;
        }
        return w;
}

void tar_recipe_writer_free(struct tar_recipe_writer *w)
{
        if (!w)
                return;
        ZSTD_freeCCtx(w->zstd);
        free(w);
}

static size_t put_number(char *to, uint64_t v)
{
        size_t n = 0;

        do {
                to[n] = (char)(v & 0x7f);
                v >>= 7;
                if (v)
                        to[n] = (char)(to[n] | 0x80);
                n++;
        } while (v);
        return n;
}

/* A tag and two numbers begin every record, but that of bytes has one. */
static int begin(struct tar_recipe_writer *w, char tag, const uint64_t *numbers, size_t n, struct error *err)
{
        char text[1 + 2 * RECIPE_NUMBER_MAX] = { tag };
        size_t len = 1;

        for (size_t i = 0; i < n; i++)
                len += put_number(text + len, numbers[i]);
        return compress(w, text, len, ZSTD_e_continue, err);
}

static int flush(struct tar_recipe_writer *w, struct error *err)
{
        const uint64_t n = w->n_pending;
        int r;

        if (!n)
                return 0;
        w->n_pending = 0;
        r = begin(w, RECIPE_BYTES, &n, 1, err);
        return r == 0 ? compress(w, w->pending, n, ZSTD_e_continue, err) : r;
}

int tar_recipe_add_bytes(struct tar_recipe_writer *w, const void *data, size_t n, struct error *err)
{
        const char *p = data;

        while (n) {
                size_t k = sizeof w->pending - w->n_pending < n ? sizeof w->pending - w->n_pending : n;

                memcpy(w->pending + w->n_pending, p, k);
                w->n_pending += k;
                p += k;
                n -= k;
                if (w->n_pending == sizeof w->pending && flush(w, err) < 0)
                        return -err->code;
        }
        return 0;
}

int tar_recipe_add_file(struct tar_recipe_writer *w, uint64_t nid, uint64_t size, struct error *err)
{
        int r = flush(w, err);

        return r == 0 ? begin(w, RECIPE_FILE, (uint64_t[]){ nid, size }, 2, err) : r;
}

int tar_recipe_add_extents(struct tar_recipe_writer *w, uint64_t nid, const struct tar_extent *extents, size_t n,
                           struct error *err)
{
        int r = flush(w, err);

        if (r == 0)
                r = begin(w, RECIPE_EXTENTS, (uint64_t[]){ nid, n }, 2, err);
        for (size_t i = 0; r == 0 && i < n; i++) {
                char text[2 * RECIPE_NUMBER_MAX];
                size_t len = put_number(text, extents[i].offset);

                len += put_number(text + len, extents[i].len);
                r = compress(w, text, len, ZSTD_e_continue, err);
        }
        return r;
}

int tar_recipe_end(struct tar_recipe_writer *w, struct error *err)
{
        int r = flush(w, err);

        if (r == 0)
                r = begin(w, RECIPE_END, NULL, 0, err);
        return r == 0 ? compress(w, NULL, 0, ZSTD_e_end, err) : r;
}
