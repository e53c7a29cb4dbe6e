/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_value.h"

void json_put(struct json_object *root)
{
        struct json_document *doc = (struct json_document *)root;

        if (!doc)
                return;
        arena_finish(&doc->arena);
        free(doc);
}

struct json_object *json_member(struct json_object *obj, const char *key)
{
        for (size_t i = 0; obj && obj->type == JSON_OBJECT && i < obj->n; i++) {
                struct json_object *v = &obj->items[i];

                if (*v->key == *key && strcmp(v->key, key) == 0)
                        return v;
        }
        return NULL;
}

/* The member, NULL when it is absent or null. */
static struct json_object *member(struct json_object *obj, const char *key)
{
        struct json_object *v = json_member(obj, key);

        return v && v->type != JSON_NULL ? v : NULL;
}

static int wrong_type(struct error *err, const char *key, const char *want)
{
        return error_set(err, EINVAL, "%s: expected %s", key, want);
}

const char *json_string_value(struct json_object *v)
{
        return v->type == JSON_STRING ? v->string : NULL;
}

bool json_u64_value(struct json_object *v, uint64_t *ret)
{
        if (v->type != JSON_INTEGER || (v->negative && v->magnitude))
                return false;
        *ret = v->magnitude;
        return true;
}

bool json_i64_value(struct json_object *v, int64_t *ret)
{
        if (v->type != JSON_INTEGER || (!v->negative && v->magnitude > INT64_MAX))
                return false;
        *ret = v->negative ? (int64_t)(0 - v->magnitude) : (int64_t)v->magnitude;
        return true;
}

bool json_bool_value(struct json_object *v, bool *ret)
{
        if (v->type != JSON_BOOL)
                return false;
        *ret = v->magnitude;
        return true;
}

const char *json_real_text(struct json_object *v)
{
        return v->type == JSON_REAL ? v->string : NULL;
}

const char *json_key(struct json_object *v)
{
        return v->key;
}

int json_get_string(struct json_object *obj, const char *key, const char **ret, struct error *err)
{
        struct json_object *v = member(obj, key);

        if (!v)
                return 0;
        if (v->type != JSON_STRING)
                return wrong_type(err, key, "a string");
        *ret = v->string;
        return 1;
}

int json_get_bool(struct json_object *obj, const char *key, bool *ret, struct error *err)
{
        struct json_object *v = member(obj, key);

        if (!v)
                return 0;
        if (v->type != JSON_BOOL)
                return wrong_type(err, key, "true or false");
        *ret = v->magnitude;
        return 1;
}

int json_get_i64(struct json_object *obj, const char *key, int64_t *ret, struct error *err)
{
        struct json_object *v = member(obj, key);

        if (!v)
                return 0;
        if (v->type != JSON_INTEGER)
                return wrong_type(err, key, "a whole number");
        if (!v->negative && v->magnitude > INT64_MAX)
                return wrong_type(err, key, "a number below 2^63");
        *ret = v->negative ? (int64_t)(0 - v->magnitude) : (int64_t)v->magnitude;
        return 1;
}

int json_get_u64(struct json_object *obj, const char *key, uint64_t *ret, struct error *err)
{
        struct json_object *v = member(obj, key);

        if (!v)
                return 0;
        return json_u64_value(v, ret) ? 1 : wrong_type(err, key, "a whole number of 0 or more");
}

int json_get_u32(struct json_object *obj, const char *key, uint32_t *ret, struct error *err)
{
        uint64_t v = 0;
        int r = json_get_u64(obj, key, &v, err);

        if (r <= 0)
                return r;
        if (v > UINT32_MAX)
                return wrong_type(err, key, "a number below 2^32");
        *ret = (uint32_t)v;
        return 1;
}

int json_get_object(struct json_object *obj, const char *key, struct json_object **ret, struct error *err)
{
        struct json_object *v = member(obj, key);

        if (!v)
                return 0;
        if (v->type != JSON_OBJECT)
                return wrong_type(err, key, "an object");
        *ret = v;
        return 1;
}

int json_get_array(struct json_object *obj, const char *key, struct json_object **ret, struct error *err)
{
        struct json_object *v = member(obj, key);

        if (!v)
                return 0;
        if (v->type != JSON_ARRAY)
                return wrong_type(err, key, "an array");
        *ret = v;
        return 1;
}

bool json_is_object(struct json_object *v)
{
        return v->type == JSON_OBJECT;
}

bool json_is_array(struct json_object *v)
{
        return v->type == JSON_ARRAY;
}

size_t json_array_size(struct json_object *array)
{
        return array->n;
}

struct json_object *json_array_item(struct json_object *array, size_t i)
{
        return &array->items[i];
}

size_t json_member_count(struct json_object *obj)
{
        return obj->n;
}

struct json_object *json_member_at(struct json_object *obj, size_t i)
{
        return &obj->items[i];
}

int json_each(struct json_object *obj, int (*each)(const char *key, struct json_object *value, void *userdata),
              void *userdata)
{
        for (size_t i = 0; i < obj->n; i++) {
                int r = each(obj->items[i].key, &obj->items[i], userdata);

                if (r)
                        return r;
        }
        return 0;
}
