/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

enum { MAX_DEPTH = 32 };

int json_parse(const char *text, size_t len, struct json_object **ret_root, struct error *err)
{
        struct json_tokener *tok;
        struct json_object *root;
        enum json_tokener_error state;
        size_t end;

        if (len > INT_MAX - 1)
                return error_set(err, EFBIG, "JSON document is larger than 2 GiB");
        tok = json_tokener_new_ex(MAX_DEPTH);
        if (!tok)
                return error_set(err, ENOMEM, "out of memory");
        json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        root = json_tokener_parse_ex(tok, text, (int)len);
        state = json_tokener_get_error(tok);
        /* A bare number is complete only when something follows it. */
        if (state == json_tokener_continue && len)
                root = json_tokener_parse_ex(tok, "", 1), state = json_tokener_get_error(tok);
        end = json_tokener_get_parse_end(tok);
        json_tokener_free(tok);
        if (state != json_tokener_success) {
                json_object_put(root);
                return error_set(err, EINVAL, "invalid JSON at byte %zu: %s", end,
                                 state == json_tokener_continue ? "unexpected end" : json_tokener_error_desc(state));
        }
        for (; end < len; end++) {
                if (!strchr(" \t\r\n", text[end]) || !text[end]) {
                        json_object_put(root);
                        return error_set(err, EINVAL, "invalid JSON: trailing bytes at %zu", end);
                }
        }
        *ret_root = root;
        return 0;
}

void json_put(struct json_object *root)
{
        if (root)
                json_object_put(root);
}

static bool member(struct json_object *obj, const char *key, struct json_object **ret)
{
        return json_object_object_get_ex(obj, key, ret) && *ret;
}

static int wrong_type(struct error *err, const char *key, const char *want)
{
        return error_set(err, EINVAL, "%s: expected %s", key, want);
}

const char *json_string_value(struct json_object *v)
{
        const char *s;

        if (!json_object_is_type(v, json_type_string))
                return NULL;
        s = json_object_get_string(v);
        return strlen(s) == (size_t)json_object_get_string_len(v) ? s : NULL;
}

bool json_u64_value(struct json_object *v, uint64_t *ret)
{
        if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
                return false;
        *ret = json_object_get_uint64(v);
        return true;
}

int json_get_string(struct json_object *obj, const char *key, const char **ret, struct error *err)
{
        struct json_object *v;
        const char *s;

        if (!member(obj, key, &v))
                return 0;
        s = json_string_value(v);
        if (!s)
                return wrong_type(err, key, "a string");
        *ret = s;
        return 1;
}

int json_get_bool(struct json_object *obj, const char *key, bool *ret, struct error *err)
{
        struct json_object *v;

        if (!member(obj, key, &v))
                return 0;
        if (!json_object_is_type(v, json_type_boolean))
                return wrong_type(err, key, "true or false");
        *ret = json_object_get_boolean(v);
        return 1;
}

int json_get_i64(struct json_object *obj, const char *key, int64_t *ret, struct error *err)
{
        struct json_object *v;
        int64_t n;

        if (!member(obj, key, &v))
                return 0;
        if (!json_object_is_type(v, json_type_int))
                return wrong_type(err, key, "a whole number");
        n = json_object_get_int64(v);
        if (n == INT64_MAX && json_object_get_uint64(v) > INT64_MAX)
                return wrong_type(err, key, "a number below 2^63");
        *ret = n;
        return 1;
}

int json_get_u64(struct json_object *obj, const char *key, uint64_t *ret, struct error *err)
{
        struct json_object *v;

        if (!member(obj, key, &v))
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
        struct json_object *v;

        if (!member(obj, key, &v))
                return 0;
        if (!json_object_is_type(v, json_type_object))
                return wrong_type(err, key, "an object");
        *ret = v;
        return 1;
}

int json_get_array(struct json_object *obj, const char *key, struct json_object **ret, struct error *err)
{
        struct json_object *v;

        if (!member(obj, key, &v))
                return 0;
        if (!json_object_is_type(v, json_type_array))
                return wrong_type(err, key, "an array");
        *ret = v;
        return 1;
}

bool json_is_object(struct json_object *v)
{
        return json_object_is_type(v, json_type_object);
}

size_t json_array_size(struct json_object *array)
{
        return json_object_array_length(array);
}

struct json_object *json_array_item(struct json_object *array, size_t i)
{
        return json_object_array_get_idx(array, i);
}

size_t json_member_count(struct json_object *obj)
{
        return (size_t)json_object_object_length(obj);
}

int json_each(struct json_object *obj, int (*each)(const char *key, struct json_object *value, void *userdata),
              void *userdata)
{
        struct json_object_iterator it = json_object_iter_begin(obj), end = json_object_iter_end(obj);

        for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
                int r = each(json_object_iter_peek_name(&it), json_object_iter_peek_value(&it), userdata);

                if (r)
                        return r;
        }
        return 0;
}

void json_add_value(struct buf *out, struct json_object *v)
{
        const char *s = json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

        if (s)
                buf_add_str(out, s);
        else
                out->failed = true;
}
