/* SPDX-License-Identifier: Apache-2.0 */
/* A tar by itself becomes a layer. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/archive.h"
#include "fetch/operation.h"

enum { PIECE = 256 << 10 };

static int copy(struct archive_unpack *u, int input, uint64_t max, struct archive_layer *l, struct error *err)
{
        own_mem char *data = malloc(PIECE);
        int r = data ? 0 : error_set(err, ENOMEM, "out of memory");

        while (r == 0 && !l->failure.code) {
                ssize_t n = read(input, data, PIECE);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? error_errno(err, errno, "read the archive") : archive_unpack_end(u, l, err);
                if ((uint64_t)n > max)
                        return error_set(err, EFBIG, "the archive is longer than it can be");
                max -= (uint64_t)n;
                r = archive_unpack_write(u, data, (size_t)n, l, err);
        }
        return r;
}

int archive_add_layer(struct host *h, int input, uint64_t max, struct archive_layer *l, struct error *err)
{
        struct archive_unpack u = {};
        int r = archive_unpack_begin(&u, h, "rootfs", UINT64_MAX, NULL, l, err);

        if (r == 0)
                r = copy(&u, input, max, l, err);
        unpack_abort(u.unpack);
        if (r == 0 && l->failure.code) {
                *err = l->failure;
                r = -err->code;
        }
        return r < 0 ? r : host_add_layer(h, &l->diff_id, l->tar_size, l->image, l->recipe, err);
}

int operation_layer(struct host *h, struct json_object *job, int input, struct error *err)
{
        own_archive_layer struct archive_layer l = { .image = -1, .recipe = -1 };
        own_buf struct buf result = {};
        struct json_writer w = { .out = &result };
        uint64_t max = 0;
        int r = json_get_u64(job, "max", &max, err);

        if (r >= 0)
                r = archive_add_layer(h, input, max, &l, err);
        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        json_write_string(&w, "diff_id", l.diff_id.text);
        json_write_u64(&w, "tar_size", l.tar_size);
        json_end_object(&w);
        return buf_failed(&result) ? error_set(err, ENOMEM, "out of memory") : host_result(h, result.data, err);
}
