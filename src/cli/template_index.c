/* SPDX-License-Identifier: Apache-2.0 */
/* len, index and slice. */
#include <errno.h>
#include <string.h>

#include "cli/template_run.h"

int template_call_len(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        size_t length = 0;

        if (!template_value_length(v, &length))
                return error_set(run->err, EINVAL, "%s has no length", template_kind_name(v));
        *ret = template_value_of_size(length);
        return 0;
}

/*
 * What a map does not have is the zero of what it has: "" in a map of strings, as Labels, else null. A map without
 * anything has strings.
 */
static struct template_value zero_of(const struct template_value *map)
{
        struct json_object *first = map->n ? json_member_at(map->json, 0) : NULL;

        return !first || json_string_value(first) ? template_value_of_text("", 0)
                                                  : (struct template_value){ .kind = VALUE_NULL };
}

static int index_map(struct template_run *run, const struct template_value *map, const struct template_value *key,
                     struct template_value *ret)
{
        int r = template_want(run, key, VALUE_TEXT);

        if (r < 0)
                return r;
        for (size_t i = 0; i < map->n; i++) {
                struct json_object *member = json_member_at(map->json, i);

                if (strlen(json_key(member)) == key->len && memcmp(json_key(member), key->text, key->len) == 0) {
                        *ret = template_value_of_json(member);
                        return 0;
                }
        }
        *ret = zero_of(map);
        return 0;
}

/* at[i]; it must have n items. */
static int index_at(struct template_run *run, const struct template_value *at, size_t n, const struct template_value *i,
                    struct template_value *ret)
{
        size_t k = 0;
        int r;

        if (!n && i->kind == VALUE_INTEGER)
                return error_set(run->err, EINVAL, "%llu is out of range of what is empty",
                                 (unsigned long long)i->magnitude);
        r = template_want_index(run, i, n ? n - 1 : 0, &k);
        if (r == 0)
                *ret = at->kind == VALUE_LIST ? template_value_item(at, k)
                                              : template_value_of_size((unsigned char)at->text[k]);
        return r;
}

/* index X "key" 0: what is not in a list is an error. */
int template_call_index(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        struct template_value at = v[0], next;
        int r = 0;

        for (size_t i = 1; r == 0 && i < n; i++, at = next) {
                next = (struct template_value){};
                if (at.kind == VALUE_MAP)
                        r = index_map(run, &at, &v[i], &next);
                else if (at.kind == VALUE_LIST)
                        r = index_at(run, &at, at.n, &v[i], &next);
                else if (at.kind == VALUE_TEXT)
                        r = index_at(run, &at, at.len, &v[i], &next);
                else
                        r = error_set(run->err, EINVAL, "there is nothing in %s", template_kind_name(&at));
        }
        *ret = at;
        return r;
}

/* Docker's title: what stands behind the last point, with blanks. */
static int label_title(struct template_run *run, const struct template_value *name, struct template_value *ret)
{
        const char *point = memrchr(name->text, '.', name->len), *from = point ? point + 1 : name->text;
        size_t len = (size_t)(name->text + name->len - from);
        char *title = template_make(run, len + 1, 1);

        if (!title)
                return -run->err->code;
        memcpy(title, from, len);
        for (size_t i = 0; i < len; i++) {
                if (title[i] == '-' || title[i] == '_')
                        title[i] = ' ';
        }
        *ret = template_value_of_text(title, len);
        return 0;
}

int template_call_label(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        int r = template_want(run, &v[1], VALUE_TEXT);

        if (r < 0)
                return r;
        if (run->titles)
                return label_title(run, &v[1], ret);
        r = template_want(run, v, VALUE_MAP);
        return r < 0 ? r : index_map(run, v, &v[1], ret);
}

/* slice X from to: of a string, in bytes, or a list. */
int template_call_slice(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        size_t from = 0, to = v->kind == VALUE_TEXT ? v->len : v->n;
        int r = 0;

        if (v->kind != VALUE_TEXT && v->kind != VALUE_LIST)
                return error_set(run->err, EINVAL, "%s cannot be sliced", template_kind_name(v));
        if (n > 2)
                r = template_want_index(run, &v[2], to, &to);
        if (r == 0 && n > 1)
                r = template_want_index(run, &v[1], to, &from);
        if (r < 0)
                return r;
        *ret = *v;
        if (v->kind == VALUE_TEXT) {
                *ret = template_value_of_text(v->text + from, to - from);
                return 0;
        }
        if (v->items)
                ret->items = v->items + from;
        else
                ret->first += from;
        ret->n = to - from;
        return 0;
}
