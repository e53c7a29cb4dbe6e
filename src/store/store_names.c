/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/own.h"
#include "store/store_private.h"

static int full_name(const struct reference *ref, struct buf *repository, struct buf *name, struct error *err)
{
        reference_add_name(repository, ref);
        buf_addf(name, "%s:%s", buf_str(repository), ref->tag);
        return buf_failed(repository) || buf_failed(name) ? error_set(err, ENOMEM, "out of memory") : 0;
}

int name_give(struct store *s, const struct digest *id, const struct reference *ref, struct error *err)
{
        own_buf struct buf repository = {}, name = {};
        int r = full_name(ref, &repository, &name, err);

        if (r == 0)
                r = database_run(&s->database, err,
                                 "INSERT OR REPLACE INTO name(name, repository, image) VALUES(?1, ?2, ?3)", "ttd",
                                 buf_str(&name), buf_str(&repository), id);
        return r < 0 ? r : 0;
}

int digest_name_give(struct store *s, const struct digest *id, const char *repository, const struct digest *d,
                     struct error *err)
{
        int r = database_run(&s->database, err,
                             "INSERT OR IGNORE INTO repository_digest(repository, digest, image) VALUES(?1, ?2, ?3)",
                             "tdd", repository, d, id);

        return r < 0 ? r : 0;
}

int store_image_tag(struct store *s, const struct digest *id, const struct reference *name, struct error *err)
{
        own_transaction struct transaction t = {};
        int r;

        if (!*name->tag)
                return error_set(err, EINVAL, "a tag is needed: a name with a digest cannot be given to an image");
        r = transaction_begin(&t, &s->database, TRANSACTION_DURABLE, err);
        if (r == 0)
                r = database_has(&s->database, err, "SELECT 1 FROM image WHERE id = ?1", "d", id);
        if (r == 0)
                r = error_set(err, ENOENT, "no such image: %s", id->text);
        if (r > 0)
                r = name_give(s, id, name, err);
        if (r < 0)
                return r;
        names_copy_write(s);
        return transaction_commit(&t, err);
}

/* What is left of a repository's digests when its last tag goes from the image says nothing to anybody. */
static int drop_digests(struct store *s, const char *repository, const struct digest *id, struct error *err)
{
        int r = database_run(&s->database, err,
                             "DELETE FROM repository_digest WHERE repository = ?1 AND image = ?2 AND NOT EXISTS "
                             "(SELECT 1 FROM name WHERE name.image = ?2 AND name.repository = ?1)",
                             "td", repository, id);

        return r < 0 ? r : 0;
}

static int take_tag(struct store *s, const struct reference *ref, struct digest *ret_id, struct error *err)
{
        own_buf struct buf repository = {}, name = {};
        int r = full_name(ref, &repository, &name, err);

        if (r == 0) {
                own_query struct query q = {};

                r = query_begin(&q, &s->database, err, "DELETE FROM name WHERE name = ?1 RETURNING image", "t",
                                buf_str(&name));
                if (r == 0)
                        r = query_next(&q, err);
                if (r > 0)
                        query_digest(&q, 0, ret_id);
                else if (r == 0)
                        r = error_set(err, ENOENT, "no such image: %s", buf_str(&name));
        }
        return r < 0 ? r : drop_digests(s, buf_str(&repository), ret_id, err);
}

static int take_digest(struct store *s, const struct reference *ref, struct digest *ret_id, struct error *err)
{
        own_buf struct buf repository = {};
        own_query struct query q = {};
        int r;

        reference_add_name(&repository, ref);
        if (buf_failed(&repository))
                return error_set(err, ENOMEM, "out of memory");
        r = query_begin(&q, &s->database, err,
                        "DELETE FROM repository_digest WHERE repository = ?1 AND digest = ?2 RETURNING image", "td",
                        buf_str(&repository), &ref->digest);
        if (r == 0)
                r = query_next(&q, err);
        if (r == 0)
                return error_set(err, ENOENT, "no such image: %s@%s", buf_str(&repository), ref->digest.text);
        if (r > 0)
                query_digest(&q, 0, ret_id);
        return r < 0 ? r : 0;
}

int name_take(struct store *s, const struct reference *name, struct digest *ret_id, struct error *err)
{
        return *name->digest.text ? take_digest(s, name, ret_id, err) : take_tag(s, name, ret_id, err);
}

int store_image_untag(struct store *s, const struct reference *name, struct error *err)
{
        own_transaction struct transaction t = {};
        struct digest id;
        int r = transaction_begin(&t, &s->database, TRANSACTION_DURABLE, err);

        if (r == 0)
                r = name_take(s, name, &id, err);
        if (r < 0)
                return r;
        names_copy_write(s);
        return transaction_commit(&t, err);
}
