/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct template_value of_integer(int64_t n)
{
        return (struct template_value){ .kind = VALUE_INTEGER,
                                        .negative = n < 0,
                                        .magnitude = n < 0 ? 0 - (uint64_t)n : (uint64_t)n };
}

struct template_value template_value_of_json(struct json_object *json)
{
        struct template_value v = { .kind = VALUE_NULL, .json = json };
        const char *text = json_string_value(json), *real = json_real_text(json);
        int64_t n;

        if (text) {
                v.kind = VALUE_TEXT;
                v.text = text;
                v.len = strlen(text);
        } else if (real) {
                v.kind = VALUE_REAL;
                v.real = strtod(real, NULL);
        } else if (json_is_object(json)) {
                v.kind = VALUE_MAP;
                v.n = json_member_count(json);
        } else if (json_is_array(json)) {
                v.kind = VALUE_LIST;
                v.n = json_array_size(json);
        } else if (json_bool_value(json, &v.truth)) {
                v.kind = VALUE_BOOL;
        } else if (json_u64_value(json, &v.magnitude)) {
                v.kind = VALUE_INTEGER;
        } else if (json_i64_value(json, &n)) {
                v = of_integer(n);
                v.json = json;
        }
        return v;
}

struct template_value template_value_of_text(const char *text, size_t len)
{
        return (struct template_value){ .kind = VALUE_TEXT, .text = text, .len = len };
}

struct template_value template_value_of_bool(bool truth)
{
        return (struct template_value){ .kind = VALUE_BOOL, .truth = truth };
}

struct template_value template_value_of_size(size_t n)
{
        return (struct template_value){ .kind = VALUE_INTEGER, .magnitude = n };
}

bool template_value_is_true(const struct template_value *v)
{
        switch (v->kind) {
        case VALUE_BOOL:
                return v->truth;
        case VALUE_INTEGER:
                return v->magnitude != 0;
        case VALUE_REAL:
                return v->real < 0 || v->real > 0;
        case VALUE_TEXT:
                return v->len != 0;
        case VALUE_LIST:
        case VALUE_MAP:
                return v->n != 0;
        default:
                return false;
        }
}

struct template_value template_value_item(const struct template_value *v, size_t i)
{
        return v->items ? v->items[i] : template_value_of_json(json_array_item(v->json, v->first + i));
}

const char *template_kind_name(const struct template_value *v)
{
        static const char *const names[] = { "no value", "null",     "true or false", "a number",
                                             "a number", "a string", "a list",        "a map" };

        return names[v->kind];
}

bool template_value_length(const struct template_value *v, size_t *ret)
{
        switch (v->kind) {
        case VALUE_NULL:
                *ret = 0;
                return true;
        case VALUE_TEXT:
                *ret = v->len;
                return true;
        case VALUE_LIST:
        case VALUE_MAP:
                *ret = v->n;
                return true;
        default:
                return false;
        }
}

static int compare(const void *a, const void *b)
{
        return strcmp(json_key(*(struct json_object *const *)a), json_key(*(struct json_object *const *)b));
}

int template_map_sorted(struct json_object *map, struct json_object ***ret)
{
        size_t n = json_member_count(map);
        struct json_object **members = calloc(n + 1, sizeof(struct json_object *));

        if (!members)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                members[i] = json_member_at(map, i);
        qsort(members, n, sizeof(struct json_object *), compare);
        *ret = members;
        return 0;
}
