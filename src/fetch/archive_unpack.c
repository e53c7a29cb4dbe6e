/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of an archive becomes a layer. */
#include <errno.h>

#include "base/own.h"
#include "fetch/archive.h"
#include "fetch/inflate.h"
#include "fetch/unpack.h"

/* The next layer will not fare better. */
static bool spoils_all(int code)
{
        switch (code) {
        case ENOSPC:
        case EDQUOT:
        case EIO:
        case EROFS:
        case ENOMEM:
        case EMFILE:
        case ENFILE:
                return true;
        default:
                return false;
        }
}

/* It is of no use any more. Only what spoils all is an error now: nobody may want this one. */
static int give_up(struct archive_unpack *u, struct archive_layer *l, const struct error *failure, struct error *err)
{
        unpack_abort(take_ptr(u->unpack));
        archive_layer_finish(l);
        l->failure = *failure;
        if (!spoils_all(failure->code))
                return 0;
        *err = *failure;
        return -err->code;
}

int archive_unpack_begin(struct archive_unpack *u, struct host *h, const char *id, uint64_t size,
                         const struct archive_wanted *w, struct archive_layer *ret, struct error *err)
{
        struct unpack_options o = { .blob_size = size, .max_tar_size = inflate_most(size) };
        struct error failure;

        *u = (struct archive_unpack){ .host = h, .id = id, .total = size };
        ret->image = host_new_file(h, err);
        if (ret->image >= 0)
                ret->recipe = host_new_file(h, err);
        if (ret->image < 0 || ret->recipe < 0)
                return -err->code;
        o.image_fd = ret->image;
        o.recipe_fd = ret->recipe;
        if (w) {
                o.blob = w->blob;
                o.diff_id = w->diff_id;
        }
        u->unpack = unpack_start(&o, &failure);
        if (!u->unpack)
                return give_up(u, ret, &failure, err);
        host_progress(h, id, HOST_TRANSFERRING, 0, size);
        return 0;
}

int archive_unpack_write(struct archive_unpack *u, const void *data, size_t n, struct archive_layer *ret,
                         struct error *err)
{
        struct error failure;

        if (!u->unpack)
                return 0;
        u->done += n;
        host_progress(u->host, u->id, HOST_TRANSFERRING, u->done, u->total);
        if (unpack_write(u->unpack, data, n, &failure) < 0)
                return give_up(u, ret, &failure, err);
        return 0;
}

int archive_unpack_end(struct archive_unpack *u, struct archive_layer *ret, struct error *err)
{
        struct unpack_result res;
        struct error failure;

        if (!u->unpack)
                return 0;
        if (unpack_end(take_ptr(u->unpack), &res, &failure) < 0)
                return give_up(u, ret, &failure, err);
        ret->diff_id = res.diff_id;
        ret->blob = res.blob;
        ret->tar_size = res.tar_size;
        ret->blob_size = res.blob_size;
        ret->compression = res.compression;
        host_progress(u->host, u->id, HOST_DONE, u->done, u->total);
        return 0;
}
