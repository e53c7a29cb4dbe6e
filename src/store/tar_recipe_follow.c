/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/own.h"
#include "store/erofs_read.h"
#include "store/tar_recipe.h"
#include "store/tar_recipe_format.h"

enum { BUFFER = 64 << 10, DATA = 256 << 10 };

struct follower {
        int recipe, image;
        off_t recipe_at;
        tar_write write;
        void *userdata;
        ZSTD_DCtx *zstd;
        ZSTD_inBuffer in;
        size_t at, len; /* of plain */
        char packed[BUFFER], plain[BUFFER], data[DATA];
};

static int damaged(struct error *err)
{
        return error_set(err, EBADMSG, "the layer's recipe is damaged");
}

/* Has at least one byte of the recipe in `plain`. */
static int fill(struct follower *f, struct error *err)
{
        while (f->at == f->len) {
                ZSTD_outBuffer out = { f->plain, sizeof f->plain, 0 };
                size_t z;

                if (f->in.pos == f->in.size) {
                        ssize_t n = pread(f->recipe, f->packed, sizeof f->packed, f->recipe_at);

                        if (n < 0 && errno == EINTR)
                                continue;
                        if (n < 0)
                                return error_errno(err, errno, "read the layer's recipe");
                        if (n == 0)
                                return damaged(err);
                        f->recipe_at += n;
                        f->in = (ZSTD_inBuffer){ f->packed, (size_t)n, 0 };
                }
                z = ZSTD_decompressStream(f->zstd, &out, &f->in);
                if (ZSTD_isError(z))
                        return damaged(err);
                f->at = 0;
                f->len = out.pos;
        }
        return 0;
}

static int take_byte(struct follower *f, unsigned char *ret, struct error *err)
{
        int r = fill(f, err);

        if (r == 0)
                *ret = (unsigned char)f->plain[f->at++];
        return r;
}

static int take_number(struct follower *f, uint64_t *ret, struct error *err)
{
        uint64_t v = 0;

        for (unsigned shift = 0; shift < 64; shift += 7) {
                unsigned char byte = 0;
                int r = take_byte(f, &byte, err);

                if (r < 0)
                        return r;
                if (shift == 63 && byte > 1)
                        break;
                v |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *ret = v;
                        return 0;
                }
        }
        return damaged(err);
}

static int copy_bytes(struct follower *f, struct error *err)
{
        uint64_t n = 0;
        int r = take_number(f, &n, err);

        while (r == 0 && n) {
                size_t k;

                r = fill(f, err);
                if (r < 0)
                        return r;
                k = f->len - f->at < n ? f->len - f->at : (size_t)n;
                r = f->write(f->userdata, f->plain + f->at, k, err);
                f->at += k;
                n -= k;
        }
        return r;
}

static int copy_piece(struct follower *f, const struct erofs_view *v, uint64_t offset, uint64_t n, struct error *err)
{
        int r = 0;

        while (r == 0 && n) {
                size_t k = n < sizeof f->data ? (size_t)n : sizeof f->data;

                r = erofs_view_read(v, offset, f->data, k, err);
                if (r == 0)
                        r = f->write(f->userdata, f->data, k, err);
                offset += k;
                n -= k;
        }
        return r;
}

static int copy_file(struct follower *f, bool pieces, struct error *err)
{
        uint64_t nid = 0, n = 0, offset = 0, len = 0;
        struct erofs_view v;
        int r = take_number(f, &nid, err);

        if (r == 0)
                r = take_number(f, &n, err);
        if (r == 0)
                r = erofs_view_open(&v, f->image, nid, err);
        if (r < 0 || !pieces)
                return r < 0 ? r : copy_piece(f, &v, 0, n, err);
        for (uint64_t i = 0; r == 0 && i < n; i++) {
                r = take_number(f, &offset, err);
                if (r == 0)
                        r = take_number(f, &len, err);
                if (r == 0)
                        r = copy_piece(f, &v, offset, len, err);
        }
        return r;
}

static int check_magic(struct follower *f, struct error *err)
{
        for (const char *p = RECIPE_MAGIC; *p; p++) {
                unsigned char byte = 0;
                int r = take_byte(f, &byte, err);

                if (r < 0)
                        return r;
                if (byte != (unsigned char)*p)
                        return damaged(err);
        }
        return 0;
}

static int follow(struct follower *f, struct error *err)
{
        unsigned char tag = 0;
        int r = check_magic(f, err);

        while (r == 0) {
                r = take_byte(f, &tag, err);
                if (r < 0 || tag == RECIPE_END)
                        return r;
                if (tag == RECIPE_BYTES)
                        r = copy_bytes(f, err);
                else if (tag == RECIPE_FILE || tag == RECIPE_EXTENTS)
                        r = copy_file(f, tag == RECIPE_EXTENTS, err);
                else
                        r = damaged(err);
        }
        return r;
}

int tar_recipe_follow(int recipe, int image, tar_write write, void *userdata, struct error *err)
{
        own_mem struct follower *f = calloc(1, sizeof *f);
        int r;

        if (!f)
                return error_set(err, ENOMEM, "out of memory");
        f->recipe = recipe;
        f->image = image;
        f->write = write;
        f->userdata = userdata;
        f->zstd = ZSTD_createDCtx();
        r = f->zstd ? follow(f, err) : error_set(err, ENOMEM, "out of memory");
        ZSTD_freeDCtx(f->zstd);
        return r;
}
