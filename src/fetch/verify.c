/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what the store has is what its digests say. */
#include <errno.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/hash.h"
#include "fetch/operation.h"
#include "fetch/pack.h"

static int count(void *userdata, const void *data, size_t n, struct error *err)
{
        uint64_t *done = userdata;

        *done += n;
        return 0;
}

static int verify_layer(struct host *h, const struct digest *d, struct error *err)
{
        own_fd int image = -1, recipe = -1;
        struct pack_result res;
        uint64_t size = 0, done = 0;
        int r = host_open_layer(h, d, &size, &image, &recipe, err);

        if (r == 0)
                r = pack_layer(image, recipe, d, COMPRESSION_NONE, 0, count, &done, &res, err);
        if (r == 0 && done != size)
                r = error_set(err, EBADMSG, "the archive has %llu bytes instead of %llu", (unsigned long long)done,
                              (unsigned long long)size);
        return r;
}

static int verify_blob(struct host *h, const struct digest *d, struct error *err)
{
        own_buf struct buf text = {};
        int r = host_read_blob(h, d, &text, err);

        if (r == 0)
                return error_set(err, ENOENT, "it is not in the store");
        return r < 0 ? r : hash_check(buf_str(&text), text.len, d, err);
}

static int tell(struct host *h, const char *key, const char *digest, const struct error *why, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        json_write_string(&w, key, digest);
        if (why)
                json_write_string(&w, "error", why->text);
        json_end_object(&w);
        return buf_failed(&text) ? error_set(err, ENOMEM, "out of memory") : host_result(h, text.data, err);
}

typedef int (*verifier)(struct host *h, const struct digest *d, struct error *err);

static int verify_all(struct host *h, struct json_object *job, const char *list, const char *key, verifier verify,
                      struct error *err)
{
        struct json_object *digests = NULL;
        int r = json_get_array(job, list, &digests, err);

        if (r <= 0)
                return r;
        for (size_t i = 0; i < json_array_size(digests); i++) {
                const char *text = json_string_value(json_array_item(digests, i));
                struct digest d;
                struct error why;

                r = digest_parse(text ? text : "", &d, err);
                if (r == 0)
                        r = tell(h, key, d.text, verify(h, &d, &why) < 0 ? &why : NULL, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int operation_verify(struct host *h, struct json_object *job, struct error *err)
{
        int r = verify_all(h, job, "layers", "diff_id", verify_layer, err);

        return r < 0 ? r : verify_all(h, job, "blobs", "digest", verify_blob, err);
}
