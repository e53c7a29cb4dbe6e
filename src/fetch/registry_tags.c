/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v2/REPOSITORY/tags/list, page by page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/registry_page.h"
#include "fetch/registry_pull.h"

enum { MAX_BYTES = 16 << 20 };

static int add_tag(struct buf *tags, const char *tag, struct error *err)
{
        if (tags->len > MAX_BYTES)
                return error_set(err, EFBIG, "more than %d bytes of tags", MAX_BYTES);
        buf_add(tags, tag, strlen(tag) + 1);
        return buf_failed(tags) ? error_set(err, ENOMEM, "out of memory") : 0;
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

int registry_get_tags(struct registry *r, struct http *http, struct buf *ret, struct error *err)
{
        own_mem char *url = registry_repository_url(r, "tags/list?n=1000"), *scope = NULL;
        int e = url ? registry_pull_scope(r, &scope) : -ENOMEM;

        if (e < 0)
                return error_set(err, ENOMEM, "out of memory");
        ret->len = 0;
        e = registry_pages(r, http, scope, url, add_page, ret, err);
        if (e == 0 && !ret->len)
                e = error_set(err, ENOENT, "there are no tags");
        return e < 0 ? error_wrap(err, "tags of %s", registry_place(r)) : 0;
}
