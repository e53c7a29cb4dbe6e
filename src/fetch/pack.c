/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/pack.h"

#include <errno.h>

#include "base/own.h"
#include "fetch/deflate.h"
#include "fetch/hash.h"

struct pack {
        struct deflate *deflate;
        struct hash *archive, *blob;
        tar_write write;
        void *userdata;
        uint64_t tar_size, blob_size;
};

static int take_archive(void *userdata, const void *data, size_t n, struct error *err)
{
        struct pack *p = userdata;

        p->tar_size += n;
        hash_add(p->archive, data, n);
        return deflate_add(p->deflate, data, n, err);
}

static int take_blob(void *userdata, const void *data, size_t n, struct error *err)
{
        struct pack *p = userdata;

        p->blob_size += n;
        if (p->blob)
                hash_add(p->blob, data, n);
        return p->write(p->userdata, data, n, err);
}

int pack_layer(int image_fd, int recipe_fd, const struct digest *diff_id, enum compression c, int level,
               tar_write write, void *userdata, struct pack_result *ret, struct error *err)
{
        own_hash struct hash *archive = hash_new(hash_algorithm(diff_id));
        own_hash struct hash *blob = c == COMPRESSION_NONE ? NULL : hash_new("sha256");
        struct pack p = { .archive = archive, .blob = blob, .write = write, .userdata = userdata };
        own_deflate struct deflate *deflate = NULL;
        struct pack_result result = {};
        int r = 0;

        if (!archive || (!blob && c != COMPRESSION_NONE))
                return error_set(err, ENOMEM, "out of memory");
        p.deflate = deflate = deflate_new(c, level, 0, take_blob, &p, err);
        r = deflate ? tar_recipe_follow(recipe_fd, image_fd, take_archive, &p, err) : -err->code;
        if (r == 0)
                r = deflate_end(deflate, err);
        if (r < 0)
                return r;
        hash_end(archive, &result.diff_id);
        if (!digest_equal(&result.diff_id, diff_id))
                return error_set(err, EBADMSG, "the layer has the digest %s instead of %s", result.diff_id.text,
                                 diff_id->text);
        result.blob = result.diff_id;
        if (blob)
                hash_end(blob, &result.blob);
        result.tar_size = p.tar_size;
        result.blob_size = p.blob_size;
        *ret = result;
        return 0;
}
