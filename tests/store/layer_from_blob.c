/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_from_blob [-p] BLOB LAYER [RECIPE]: the blob, however it is compressed, becomes a layer; prints what it was.
 * -p: by zlib even where there is isa-l. Without RECIPE it is written and thrown away.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "fetch/inflate.h"
#include "fetch/unpack.h"

enum { PIECE = 64 << 10 };

static int feed(struct unpack *u, int blob, struct error *err)
{
        own_mem char *data = malloc(PIECE);
        int r = data ? 0 : error_set(err, ENOMEM, "out of memory");

        while (r == 0) {
                ssize_t n = read(blob, data, PIECE);

                if (n <= 0)
                        return n < 0 ? error_errno(err, errno, "read the blob") : 0;
                r = unpack_write(u, data, (size_t)n, err);
        }
        return r;
}

static int convert(int blob, const struct unpack_options *o, struct unpack_result *ret, struct error *err)
{
        struct unpack *u = unpack_start(o, err);
        int r = u ? feed(u, blob, err) : -err->code;

        if (r < 0) {
                unpack_abort(u);
                return r;
        }
        return unpack_end(u, ret, err);
}

int main(int argc, char **argv)
{
        const int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
        const int p = argc > 1 && strcmp(argv[1], "-p") == 0;
        const int n = argc - p;
        own_fd int blob = n == 3 || n == 4 ? open(argv[p + 1], O_RDONLY | O_CLOEXEC) : -1;
        own_fd int layer = blob >= 0 ? open(argv[p + 2], flags, 0600) : -1;
        own_fd int recipe = n == 4 ? open(argv[p + 3], flags, 0600) : memfd_create("recipe", MFD_CLOEXEC);
        const struct unpack_options o = { layer, recipe, .blob_size = UINT64_MAX, .portable = p };
        struct unpack_result res = {};
        struct error err;

        if (blob < 0 || layer < 0 || recipe < 0) {
                fprintf(stderr, "usage: %s [-p] BLOB LAYER [RECIPE]\n", argv[0]);
                return 2;
        }
        if (convert(blob, &o, &res, &err) < 0) {
                fprintf(stderr, "%s\n", err.text);
                return 1;
        }
        printf("{\"blob\":\"%s\",\"diff_id\":\"%s\",\"blob_size\":%" PRIu64 ",\"tar_size\":%" PRIu64
               ",\"image_size\":%" PRIu64 ",\"compression\":\"%s\"}\n",
               res.blob.text, res.diff_id.text, res.blob_size, res.tar_size, res.image_size,
               compression_name(res.compression));
        return 0;
}
