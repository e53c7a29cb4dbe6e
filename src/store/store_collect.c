/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/layer_unpacked.h"
#include "store/store_private.h"
#include "store/store_strays.h"

/* So many locks are held at once, and so long do others wait. */
enum { BATCH = 128 };

struct waste {
        enum file_kind kind;
        const char *sql; /* those behind ?1 that no image has */
};

static const struct waste wastes[] = {
        { FILE_LAYER,
          "SELECT diff_id FROM layer WHERE diff_id > ?1 AND NOT EXISTS "
          "(SELECT 1 FROM image_layer WHERE image_layer.diff_id = layer.diff_id) ORDER BY diff_id LIMIT ?2" },
        { FILE_BLOB, "SELECT digest FROM blob WHERE digest > ?1 AND NOT EXISTS "
                     "(SELECT 1 FROM image_manifest WHERE image_manifest.digest = blob.digest) AND NOT EXISTS "
                     "(SELECT 1 FROM image WHERE image.id = blob.digest) ORDER BY digest LIMIT ?2" },
};

/* Reads the next ones; their number. */
static int next_batch(struct store *s, const struct waste *w, const struct digest *behind, struct digest batch[BATCH],
                      struct error *err)
{
        own_query struct query q = {};
        int n = 0, r = query_begin(&q, &s->database, err, w->sql, "di", behind, (int64_t)BATCH);

        if (r < 0)
                return r;
        while ((r = query_next(&q, err)) > 0)
                query_digest(&q, 0, &batch[n++]);
        return r < 0 ? r : n;
}

/* One batch of rows: how many there were, or an error. */
static int collect_rows(struct store *s, const struct waste *w, struct digest *last, struct removal *m,
                        struct error *err)
{
        own_transaction struct transaction t = {};
        struct digest batch[BATCH];
        int n, r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        if (r < 0)
                return r;
        n = next_batch(s, w, last, batch, err);
        for (int i = 0; i < n; i++) {
                r = removal_add(s, m, w->kind, &batch[i], err);
                if (r < 0 && r != -EBUSY)
                        return r;
        }
        if (n <= 0)
                return n;
        r = transaction_commit(&t, err);
        *last = batch[n - 1];
        return r < 0 ? r : n;
}

static int collect_batch(struct store *s, const struct waste *w, struct digest *last, struct store_collected *ret,
                         struct error *err)
{
        struct digest before = *last;
        struct removal m = {};
        int r, n = collect_rows(s, w, last, &m, err);

        if (n == -ENOSPC && reserve_use(s)) {
                removal_end(&m);
                *last = before;
                n = collect_rows(s, w, last, &m, err);
        }
        r = n > 0 ? removal_finish_files(s, &m, err) : n;
        ret->layers += m.done.layers;
        ret->blobs += m.done.blobs;
        ret->bytes += m.done.bytes;
        removal_end(&m);
        return r < 0 ? r : n;
}

int store_collect(struct store *s, struct store_collected *ret, struct error *err)
{
        struct store_collected done = {};
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(wastes) && r == 0; i++) {
                struct digest last = {};

                do
                        r = collect_batch(s, &wastes[i], &last, &done, err);
                while (r > 0);
        }
        if (r == 0)
                r = strays_remove(s, &done, err);
        if (r == 0)
                r = layer_unpacked_sweep(s, err);
        s->reserve_wanted = true;
        later_go(&s->later);
        if (r == 0)
                *ret = done;
        return r;
}
