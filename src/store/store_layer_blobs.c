/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/store_private.h"

int store_layer_blob_add(struct store *s, const struct layer_blob *b, struct error *err)
{
        own_transaction struct transaction t = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        if (r == 0)
                r = database_has(&s->database, err, "SELECT 1 FROM layer WHERE diff_id = ?1", "d", &b->diff_id);
        if (r == 0)
                r = error_set(err, ENOENT, "no such layer: %s", b->diff_id.text);
        if (r > 0)
                r = database_run(&s->database, err,
                                 "INSERT OR REPLACE INTO layer_blob(diff_id, digest, source, size, compression, ours) "
                                 "VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                                 "ddtiii", &b->diff_id, &b->digest, b->source, (int64_t)b->size,
                                 (int64_t)b->compression, (int64_t)b->ours);
        return r < 0 ? r : transaction_commit(&t, err);
}

struct blob_list {
        struct layer_blob *blobs;
        size_t n, cap;
};

static int load(struct store *s, const struct digest *diff_id, struct blob_list *list, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err,
                            "SELECT digest, source, size, compression, ours FROM layer_blob WHERE diff_id = ?1 "
                            "ORDER BY digest, source",
                            "d", diff_id);

        while (r == 0 && (r = query_next(&q, err)) > 0) {
                struct layer_blob *b;

                if (array_grow(&list->blobs, &list->cap, list->n + 1, sizeof *list->blobs) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                b = &list->blobs[list->n++];
                *b = (struct layer_blob){ .diff_id = *diff_id,
                                          .size = (uint64_t)query_number(&q, 2),
                                          .compression = (enum compression)query_number(&q, 3),
                                          .ours = query_number(&q, 4) != 0 };
                query_digest(&q, 0, &b->digest);
                snprintf(b->source, sizeof b->source, "%s", query_text(&q, 1));
                r = 0;
        }
        return r;
}

/* All are read before the first call: each() may change the store. */
int store_layer_blobs(struct store *s, const struct digest *diff_id,
                      int (*each)(void *userdata, const struct layer_blob *b), void *userdata, struct error *err)
{
        struct blob_list list = {};
        int r = load(s, diff_id, &list, err);

        for (size_t i = 0; i < list.n && r == 0; i++)
                r = each(userdata, &list.blobs[i]);
        free(list.blobs);
        return r;
}
