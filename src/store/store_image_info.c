/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/store_private.h"

/* Strings, one behind the other. */
struct string_list {
        struct buf text;
        size_t n;
};

enum { PLATFORM_STRINGS = 4 };

/* What an info is made of while it is read; then all of it goes into one piece of memory. */
struct info_draft {
        struct image_info info;
        struct string_list names, digests, platform;
        struct buf diff_ids;
};

static void draft_finish(struct info_draft *d)
{
        buf_finish(&d->names.text);
        buf_finish(&d->digests.text);
        buf_finish(&d->platform.text);
        buf_finish(&d->diff_ids);
}
#define own_draft __attribute__((cleanup(draft_finish)))

static void list_add(struct string_list *l, const char *s)
{
        buf_add(&l->text, s, strlen(s) + 1);
        l->n++;
}

static int load_row(struct store *s, const struct digest *id, struct info_draft *d, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err,
                            "SELECT manifest, created, added, os, architecture, variant, os_version FROM image "
                            "WHERE id = ?1",
                            "d", id);

        if (r == 0)
                r = query_next(&q, err);
        if (r < 0)
                return r;
        if (r == 0)
                return error_set(err, ENOENT, "no such image: %s", id->text);
        d->info.id = *id;
        query_digest(&q, 0, &d->info.manifest);
        d->info.created = query_number(&q, 1);
        d->info.added = query_number(&q, 2);
        for (int i = 0; i < PLATFORM_STRINGS; i++)
                list_add(&d->platform, query_text(&q, 3 + i));
        return 0;
}

static int load_layers(struct store *s, struct info_draft *d, struct error *err)
{
        own_query struct query q = {};
        struct digest diff_id;
        int r = query_begin(&q, &s->database, err, "SELECT diff_id FROM image_layer WHERE image = ?1 ORDER BY position",
                            "d", &d->info.id);

        if (r < 0)
                return r;
        while ((r = query_next(&q, err)) > 0) {
                query_digest(&q, 0, &diff_id);
                buf_add(&d->diff_ids, &diff_id, sizeof diff_id);
                d->info.n_layers++;
        }
        return r;
}

static int load_size(struct store *s, struct info_draft *d, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err,
                            "SELECT SUM(size + recipe_size) FROM layer "
                            "WHERE diff_id IN (SELECT diff_id FROM image_layer WHERE image = ?1)",
                            "d", &d->info.id);

        if (r == 0)
                r = query_next(&q, err);
        if (r < 0)
                return r;
        d->info.size = (uint64_t)query_number(&q, 0);
        return 0;
}

static int load_strings(struct store *s, const char *sql, const struct digest *id, struct string_list *ret,
                        struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err, sql, "d", id);

        if (r < 0)
                return r;
        while ((r = query_next(&q, err)) > 0)
                list_add(ret, query_text(&q, 0));
        return r;
}

/* Where the next thing goes. */
static void *place(char **at, const void *data, size_t n)
{
        void *p = *at;

        if (n)
                memcpy(p, data, n);
        *at += n;
        return p;
}

static const char *const *point(const char **pointers, const char *text, size_t n)
{
        for (size_t i = 0; i < n; i++, text += strlen(text) + 1)
                pointers[i] = text;
        pointers[n] = NULL;
        return pointers;
}

static struct image_info *pack(const struct info_draft *d)
{
        size_t pointers = d->names.n + 1 + d->digests.n + 1;
        size_t strings = d->names.text.len + d->digests.text.len + d->platform.text.len;
        struct image_info *info = malloc(sizeof *info + pointers * sizeof(char *) + d->diff_ids.len + strings);
        const char **list;
        const char *platform[PLATFORM_STRINGS + 1];
        char *at;

        if (!info)
                return NULL;
        *info = d->info;
        list = (const char **)(info + 1);
        at = (char *)(list + pointers);
        info->diff_ids = place(&at, d->diff_ids.data, d->diff_ids.len);
        info->names = point(list, place(&at, d->names.text.data, d->names.text.len), d->names.n);
        info->digests =
                point(list + d->names.n + 1, place(&at, d->digests.text.data, d->digests.text.len), d->digests.n);
        point(platform, place(&at, d->platform.text.data, d->platform.text.len), PLATFORM_STRINGS);
        info->platform = (struct platform){ platform[0], platform[1], platform[2], platform[3] };
        return info;
}

int image_info_load(struct store *s, const struct digest *id, struct image_info **ret, struct error *err)
{
        own_draft struct info_draft d = {};
        int r = load_row(s, id, &d, err);

        if (r == 0)
                r = load_layers(s, &d, err);
        if (r == 0)
                r = load_size(s, &d, err);
        if (r == 0)
                r = load_strings(s, "SELECT name FROM name WHERE image = ?1 ORDER BY name", id, &d.names, err);
        if (r == 0)
                r = load_strings(s,
                                 "SELECT repository || '@' || digest FROM repository_digest WHERE image = ?1 "
                                 "ORDER BY repository, digest",
                                 id, &d.digests, err);
        if (r < 0)
                return r;
        if (buf_failed(&d.diff_ids) || buf_failed(&d.names.text) || buf_failed(&d.digests.text) ||
            buf_failed(&d.platform.text))
                return error_set(err, ENOMEM, "out of memory");
        *ret = pack(&d);
        return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}

struct id_list {
        struct digest *ids;
        size_t n, cap;
};

static int load_ids(struct store *s, struct id_list *list, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err, "SELECT id FROM image ORDER BY created DESC, added DESC, id", "");

        if (r < 0)
                return r;
        while ((r = query_next(&q, err)) > 0) {
                if (array_grow(&list->ids, &list->cap, list->n + 1, sizeof *list->ids) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                query_digest(&q, 0, &list->ids[list->n++]);
        }
        return r;
}

struct info_list {
        struct image_info **infos;
        size_t n;
};

static int load_infos(struct store *s, struct info_list *list, struct error *err)
{
        own_transaction struct transaction t = {};
        struct id_list ids = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_READ, err);

        if (r == 0)
                r = load_ids(s, &ids, err);
        if (r == 0 && ids.n) {
                list->infos = calloc(ids.n, sizeof(struct image_info *));
                r = list->infos ? 0 : error_set(err, ENOMEM, "out of memory");
        }
        for (; r == 0 && list->n < ids.n; list->n += r == 0)
                r = image_info_load(s, &ids.ids[list->n], &list->infos[list->n], err);
        free(ids.ids);
        return r;
}

/* No transaction is open while each() runs: it may change the store. */
int store_images(struct store *s, int (*each)(void *userdata, const struct image_info *info), void *userdata,
                 struct error *err)
{
        struct info_list list = {};
        int r = load_infos(s, &list, err);

        for (size_t i = 0; i < list.n && r == 0; i++)
                r = each(userdata, list.infos[i]);
        for (size_t i = 0; i < list.n; i++)
                free(list.infos[i]);
        free(list.infos);
        return r;
}
