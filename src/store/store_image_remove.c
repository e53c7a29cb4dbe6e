/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/layer_unpacked.h"
#include "store/store_private.h"

struct digest_list {
        struct digest *digests;
        size_t n, cap;
};

static int load(struct store *s, const char *sql, const struct digest *id, struct digest_list *ret, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err, sql, "d", id);

        if (r < 0)
                return r;
        while ((r = query_next(&q, err)) > 0) {
                if (array_grow(&ret->digests, &ret->cap, ret->n + 1, sizeof *ret->digests) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                query_digest(&q, 0, &ret->digests[ret->n++]);
        }
        return r;
}

static int check_owners(struct store *s, const struct digest *id, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err, "SELECT owner FROM image_owner WHERE image = ?1", "d", id);

        if (r == 0)
                r = query_next(&q, err);
        return r <= 0 ? r
                      : error_set(err, EBUSY, "image %.12s is used by %.12s: remove that first", digest_hex(id),
                                  query_text(&q, 0));
}

static int add_layers(struct store *s, const struct digest *id, const struct digest_list *layers, struct removal *m,
                      struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < layers->n && r == 0; i++)
                r = removal_add(s, m, FILE_LAYER, &layers->digests[i], err);
        return r == -EBUSY ? error_set(err, EBUSY, "image %.12s is in use", digest_hex(id)) : r;
}

/* One that is pinned is about to be part of another image: the next collection sees whether it became so. */
static int add_blobs(struct store *s, const struct digest_list *blobs, struct removal *m, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < blobs->n && r == 0; i++) {
                r = removal_add(s, m, FILE_BLOB, &blobs->digests[i], err);
                if (r == -EBUSY)
                        r = 0;
        }
        return r;
}

static int remove_rows(struct store *s, const struct digest *id, const struct digest_list *layers,
                       const struct digest_list *blobs, struct removal *m, struct error *err)
{
        int r = database_run(&s->database, err, "DELETE FROM image WHERE id = ?1", "d", id);

        if (r == 0)
                return error_set(err, ENOENT, "no such image: %s", id->text);
        if (r > 0)
                r = add_layers(s, id, layers, m, err);
        return r < 0 ? r : add_blobs(s, blobs, m, err);
}

/* In a transaction that changes. */
static int remove_image(struct store *s, const struct digest *id, struct removal *m, struct error *err)
{
        struct digest_list layers = {}, blobs = {};
        int r = check_owners(s, id, err);

        if (r == 0)
                r = load(s,
                         "SELECT DISTINCT diff_id FROM image_layer AS own WHERE image = ?1 AND NOT EXISTS "
                         "(SELECT 1 FROM image_layer AS other WHERE other.diff_id = own.diff_id AND other.image <> ?1)",
                         id, &layers, err);
        if (r == 0)
                r = load(s,
                         "SELECT ?1 UNION SELECT digest FROM image_manifest AS own WHERE image = ?1 AND NOT EXISTS "
                         "(SELECT 1 FROM image_manifest AS other WHERE other.digest = own.digest AND other.image <> "
                         "?1)",
                         id, &blobs, err);
        if (r == 0)
                r = remove_rows(s, id, &layers, &blobs, m, err);
        free(layers.digests);
        free(blobs.digests);
        return r;
}

/* What is to go: an image by its id, or by a name and only with its last one. */
struct request {
        const struct digest *id;
        const struct reference *name;
        bool removed; /* the image, too */
};

static int has_names(struct store *s, const struct digest *id, struct error *err)
{
        return database_has(&s->database, err,
                            "SELECT 1 FROM name WHERE image = ?1 UNION ALL "
                            "SELECT 1 FROM repository_digest WHERE image = ?1",
                            "d", id);
}

static int apply(struct store *s, struct request *q, struct removal *m, struct error *err)
{
        struct digest id = {};
        int r;

        if (q->id)
                return remove_image(s, q->id, m, err);
        r = name_take(s, q->name, &id, err);
        if (r == 0)
                r = has_names(s, &id, err);
        if (r != 0)
                return r < 0 ? r : 0;
        q->removed = true;
        return remove_image(s, &id, m, err);
}

/* Not waiting for the disk, which may be busy with the very files that go. */
static int attempt(struct store *s, struct request *q, struct removal *m, struct error *err)
{
        own_transaction struct transaction t = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        if (r == 0)
                r = apply(s, q, m, err);
        if (r < 0)
                return r;
        if (!s->database.rehearses)
                names_copy_write(s);
        return transaction_commit(&t, err);
}

static int remove_requested(struct store *s, struct request *q, struct error *err)
{
        struct removal m = {};
        int r = attempt(s, q, &m, err);

        if (s->database.rehearses) {
                removal_end(&m);
                return r;
        }
        /* On a full file system there is no room to write down what goes. */
        if (r == -ENOSPC && reserve_use(s)) {
                removal_end(&m);
                r = attempt(s, q, &m, err);
        }
        if (r == 0)
                r = removal_finish_files(s, &m, err);
        removal_end(&m);
        layer_unpacked_sweep_later(s);
        s->reserve_wanted = true;
        later_go(&s->later);
        return r;
}

int store_rehearse(struct store *s, struct error *err)
{
        return database_rehearse(&s->database, err);
}

bool store_is_rehearsed(const struct store *s)
{
        return s->database.rehearses;
}

int store_image_remove(struct store *s, const struct digest *id, struct error *err)
{
        struct request q = { .id = id };

        return remove_requested(s, &q, err);
}

int store_image_remove_name(struct store *s, const struct reference *name, bool *ret_removed, struct error *err)
{
        struct request q = { .name = name };
        int r = remove_requested(s, &q, err);

        if (r == 0)
                *ret_removed = q.removed;
        return r;
}
