/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v2/REPOSITORY/tags/list, page by page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/json.h"
#include "base/own.h"
#include "fetch/registry_page.h"
#include "fetch/registry_pull.h"

enum { MAX_TAGS = 100000 };

struct list {
        char **tags;
        size_t n, cap;
};

void tags_free(char **tags)
{
        for (char **t = tags; t && *t; t++)
                free(*t);
        free(tags);
}

static int add_tag(struct list *l, const char *tag, struct error *err)
{
        if (l->n >= MAX_TAGS)
                return error_set(err, EFBIG, "more than %d tags", MAX_TAGS);
        if (array_grow(&l->tags, &l->cap, l->n + 2, sizeof *l->tags) < 0)
                return error_set(err, ENOMEM, "out of memory");
        l->tags[l->n] = strdup(tag);
        if (!l->tags[l->n])
                return error_set(err, ENOMEM, "out of memory");
        l->tags[++l->n] = NULL;
        return 0;
}

static int add_page(void *userdata, struct json_object *page, struct error *err)
{
        struct json_object *tags = NULL;
        int r = json_get_array(page, "tags", &tags, err);

        for (size_t i = 0; r >= 0 && tags && i < json_array_size(tags); i++) {
                const char *tag = json_string_value(json_array_item(tags, i));

                r = tag ? add_tag(userdata, tag, err) : error_set(err, EINVAL, "tags: expected strings");
        }
        return r < 0 ? r : 0;
}

int registry_get_tags(struct registry *r, struct http *http, char ***ret, struct error *err)
{
        own_mem char *url = registry_repository_url(r, "tags/list?n=1000"), *scope = NULL;
        struct list list = {};
        int e = url ? registry_pull_scope(r, &scope) : -ENOMEM;

        if (e < 0)
                return error_set(err, ENOMEM, "out of memory");
        e = registry_pages(r, http, scope, url, add_page, &list, err);
        if (e == 0 && !list.n)
                e = error_set(err, ENOENT, "there are no tags");
        if (e < 0) {
                tags_free(list.tags);
                return error_wrap(err, "tags of %s", registry_place(r));
        }
        *ret = list.tags;
        return 0;
}
