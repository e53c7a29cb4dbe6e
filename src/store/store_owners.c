/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/own.h"
#include "store/store_private.h"

int image_hold(struct store *s, const struct digest *id, const char *owner, struct error *err)
{
        int r = database_has(&s->database, err, "SELECT 1 FROM image WHERE id = ?1", "d", id);

        if (r == 0)
                r = error_set(err, ENOENT, "no such image: %s", id->text);
        return r < 0 ? r
                     : database_run(&s->database, err, "INSERT OR IGNORE INTO image_owner(owner, image) VALUES(?1, ?2)",
                                    "td", owner, id);
}

int store_image_hold(struct store *s, const struct digest *id, const char *owner, struct error *err)
{
        own_transaction struct transaction t = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_DURABLE, err);

        if (r == 0)
                r = image_hold(s, id, owner, err);
        return r < 0 ? r : transaction_commit(&t, err);
}

int store_image_hold_only(struct store *s, const struct digest *id, const char *owner, struct error *err)
{
        own_transaction struct transaction t = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_DURABLE, err);

        if (r == 0)
                r = image_hold(s, id, owner, err);
        if (r >= 0)
                r = database_run(&s->database, err, "DELETE FROM image_owner WHERE owner = ?1 AND image != ?2", "td",
                                 owner, id);
        return r < 0 ? r : transaction_commit(&t, err);
}

int store_image_owners(struct store *s, const struct digest *id, int (*each)(void *userdata, const char *owner),
                       void *userdata, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err, "SELECT owner FROM image_owner WHERE image = ?1 ORDER BY owner", "d",
                            id);

        while (r == 0 && (r = query_next(&q, err)) > 0)
                r = each(userdata, query_text(&q, 0));
        return r;
}

static int release(struct store *s, const char *owner, struct error *err)
{
        own_transaction struct transaction t = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        if (r == 0)
                r = database_run(
                        &s->database, err,
                        "DELETE FROM image_owner WHERE owner = ?1 OR (owner > ?1 || '/' AND owner < ?1 || '0')", "t",
                        owner);
        return r < 0 ? r : transaction_commit(&t, err);
}

int store_image_release(struct store *s, const char *owner, struct error *err)
{
        int r = release(s, owner, err);

        /* It comes before something is removed. */
        return r == -ENOSPC && reserve_use(s) ? release(s, owner, err) : r;
}
