/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/layer_unpacked.h"

/* An image without a name and without an owner. */
#define DANGLING                                                                      \
        "NOT EXISTS (SELECT 1 FROM name WHERE name.image = image.id) AND NOT EXISTS " \
        "(SELECT 1 FROM image_owner WHERE image_owner.image = image.id)"

static int number(struct store *s, const char *sql, uint64_t *ret, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err, sql, "");

        if (r == 0)
                r = query_next(&q, err);
        if (r < 0)
                return r;
        *ret = (uint64_t)query_number(&q, 0);
        return 0;
}

static int count(struct store *s, struct store_usage *u, struct error *err)
{
        uint64_t layers = 0, blobs = 0;
        const struct {
                const char *sql;
                uint64_t *ret;
        } numbers[] = {
                { "SELECT COUNT(*) FROM image", &u->images },
                { "SELECT COUNT(*) FROM layer", &u->layers },
                { "SELECT COUNT(*) FROM blob", &u->blobs },
                { "SELECT COUNT(*) FROM name", &u->names },
                { "SELECT COUNT(*) FROM image WHERE NOT EXISTS (SELECT 1 FROM name WHERE name.image = image.id)",
                  &u->dangling_images },
                { "SELECT COALESCE(SUM(size + recipe_size), 0) FROM layer", &u->layer_bytes },
                { "SELECT COALESCE(SUM(size), 0) FROM blob", &u->blob_bytes },
                { "SELECT COALESCE(SUM(size + recipe_size), 0) FROM layer WHERE NOT EXISTS "
                  "(SELECT 1 FROM image_layer JOIN image ON image.id = image_layer.image "
                  "WHERE image_layer.diff_id = layer.diff_id AND NOT (" DANGLING "))",
                  &layers },
                { "SELECT COALESCE(SUM(size), 0) FROM blob WHERE NOT EXISTS "
                  "(SELECT 1 FROM image_manifest JOIN image ON image.id = image_manifest.image "
                  "WHERE image_manifest.digest = blob.digest AND NOT (" DANGLING ")) AND NOT EXISTS "
                  "(SELECT 1 FROM image WHERE image.id = blob.digest AND NOT (" DANGLING "))",
                  &blobs },
        };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(numbers) && r == 0; i++)
                r = number(s, numbers[i].sql, numbers[i].ret, err);
        u->reclaimable_bytes = layers + blobs;
        return r;
}

/* In a transaction that changes: only then nobody else is confused by the locks. */
static int count_pinned(struct store *s, struct store_usage *u, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err, "SELECT diff_id FROM layer", "");

        if (r < 0)
                return r;
        while ((r = query_next(&q, err)) > 0) {
                char path[FILE_PATH_SIZE];
                own_fd int fd = -1;
                struct digest d;

                query_digest(&q, 0, &d);
                file_path(FILE_LAYER, &d, path);
                fd = file_lock(s, path, LOCK_EX | LOCK_NB, NULL);
                u->pinned_layers += fd == -EBUSY;
        }
        return r;
}

static int add_unpacked(void *userdata, const struct unpacked_layer *layer)
{
        struct store_usage *u = userdata;

        u->unpacked_layers++;
        u->unpacked_bytes += layer->bytes;
        return 0;
}

int store_usage(struct store *s, struct store_usage *ret, struct error *err)
{
        const bool writable = !database_is_read_only(&s->database);
        own_transaction struct transaction t = {};
        struct store_usage u = {};
        int r = transaction_begin(&t, &s->database, writable ? TRANSACTION_CHANGE : TRANSACTION_READ, err);

        if (r == 0)
                r = count(s, &u, err);
        if (r == 0 && writable)
                r = count_pinned(s, &u, err);
        if (r == 0)
                r = layer_unpacked_each(s, add_unpacked, &u, err);
        if (r == 0)
                *ret = u;
        return r;
}
