/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "store/store_private.h"

#define ALGORITHM "sha256:"

enum { HEX_DIGITS = 64, NAMED_CANDIDATES = 4, CANDIDATE_DIGITS = 12 };

/* The id that a query gives first: 1, 0 or an error. */
static int first_id(struct query *q, struct digest *ret, struct error *err)
{
        int r = query_next(q, err);

        if (r > 0)
                query_digest(q, 0, ret);
        return r;
}

static int find_tag(struct store *s, const struct reference *ref, struct digest *ret, struct error *err)
{
        own_query struct query q = {};
        own_buf struct buf name = {};
        int r;

        reference_add_name(&name, ref);
        buf_addf(&name, ":%s", ref->tag);
        if (buf_failed(&name))
                return error_set(err, ENOMEM, "out of memory");
        r = query_begin(&q, &s->database, err, "SELECT image FROM name WHERE name = ?1", "t", buf_str(&name));
        return r < 0 ? r : first_id(&q, ret, err);
}

/* An index may have brought several: the newest. A tag beside the digest says nothing more. */
static int find_digest(struct store *s, const struct reference *ref, struct digest *ret, struct error *err)
{
        own_query struct query q = {};
        own_buf struct buf name = {};
        int r;

        reference_add_name(&name, ref);
        if (buf_failed(&name))
                return error_set(err, ENOMEM, "out of memory");
        r = query_begin(&q, &s->database, err,
                        "SELECT image.id FROM repository_digest JOIN image ON image.id = repository_digest.image "
                        "WHERE repository = ?1 AND digest = ?2 ORDER BY added DESC",
                        "td", buf_str(&name), &ref->digest);
        return r < 0 ? r : first_id(&q, ret, err);
}

static int find_reference(struct store *s, const char *name, struct digest *ret, struct error *err)
{
        struct reference ref;

        /* What cannot be a reference may be an id. */
        if (reference_parse(name, &ref, NULL) < 0)
                return 0;
        return *ref.digest.text ? find_digest(s, &ref, ret, err) : find_tag(s, &ref, ret, err);
}

static int ambiguous(struct query *q, const char *name, const struct digest *first, struct digest *next,
                     struct error *err)
{
        own_buf struct buf list = {};
        int r = 1;

        buf_addf(&list, "%.*s", CANDIDATE_DIGITS, digest_hex(first));
        for (int n = 1; r > 0 && n < NAMED_CANDIDATES; n++, r = first_id(q, next, err))
                buf_addf(&list, ", %.*s", CANDIDATE_DIGITS, digest_hex(next));
        if (r < 0)
                return r;
        return error_set(err, EEXIST, "several images have ids that begin with %s: %s%s", name, buf_str(&list),
                         r > 0 ? " and more" : "");
}

/* By the first digits of ids, with "sha256:" before them or without. */
static int find_prefix(struct store *s, const char *name, struct digest *ret, struct error *err)
{
        const char *hex = strncmp(name, ALGORITHM, strlen(ALGORITHM)) == 0 ? name + strlen(ALGORITHM) : name;
        own_query struct query q = {};
        char from[sizeof ALGORITHM + HEX_DIGITS + 1], to[sizeof ALGORITHM + HEX_DIGITS + 1];
        struct digest second;
        size_t n = strlen(hex);
        int r;

        if (n == 0 || n > HEX_DIGITS || strspn(hex, "0123456789abcdef") != n)
                return 0;
        snprintf(from, sizeof from, ALGORITHM "%s", hex);
        snprintf(to, sizeof to, ALGORITHM "%sg", hex);
        r = query_begin(&q, &s->database, err, "SELECT id FROM image WHERE id >= ?1 AND id < ?2 ORDER BY id", "tt",
                        from, to);
        if (r == 0)
                r = first_id(&q, ret, err);
        if (r <= 0)
                return r;
        r = first_id(&q, &second, err);
        if (r < 0)
                return r;
        return r == 0 ? 1 : ambiguous(&q, name, ret, &second, err);
}

static int find_any(struct store *s, const char *name, struct digest *ret, struct error *err)
{
        int r = digest_parse(name, ret, NULL) == 0 ? 1 : find_reference(s, name, ret, err);

        if (r == 0)
                r = find_prefix(s, name, ret, err);
        return r == 0 ? error_set(err, ENOENT, "no such image: %s", name) : r;
}

int store_image_find(struct store *s, const char *name, struct image_info **ret_image, struct error *err)
{
        own_transaction struct transaction t = {};
        struct digest id = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_READ, err);

        if (r == 0)
                r = find_any(s, name, &id, err);
        return r < 0 ? r : image_info_load(s, &id, ret_image, err);
}
