/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259): strict reading, typed access with errors that name the member, and
 * a writer. All values and strings that the getters hand out live as long as the root.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct json_object;

#define own_json __attribute__((cleanup(json_put_)))

/*
 * Parses one JSON value that fills the whole text: no trailing bytes, no comments,
 * nesting up to 32, valid UTF-8, no NUL in strings and names, whole numbers within
 * -2^63 .. 2^64-1. Of members with the same name the last one counts. *ret_root is for
 * json_put(). -EINVAL says where.
 */
int json_parse(const char *text, size_t len, struct json_object **ret_root, struct error *err);
void json_put(struct json_object *root);

static inline void json_put_(struct json_object **root)
{
        json_put(*root);
}

/*
 * Members of an object. Each returns 1 when the member is there and of the right
 * type, 0 when it is absent or null (*ret is untouched), -EINVAL when it has
 * another type or does not fit; the error names `key`. obj must be an object.
 */
int json_get_string(struct json_object *obj, const char *key, const char **ret, struct error *err);
int json_get_bool(struct json_object *obj, const char *key, bool *ret, struct error *err);
int json_get_i64(struct json_object *obj, const char *key, int64_t *ret, struct error *err);
int json_get_u64(struct json_object *obj, const char *key, uint64_t *ret, struct error *err);
int json_get_u32(struct json_object *obj, const char *key, uint32_t *ret, struct error *err);
int json_get_object(struct json_object *obj, const char *key, struct json_object **ret, struct error *err);
int json_get_array(struct json_object *obj, const char *key, struct json_object **ret, struct error *err);

bool json_is_object(struct json_object *v);
bool json_is_array(struct json_object *v);
/* The value as a string, or NULL when it is none. */
const char *json_string_value(struct json_object *v);
/* The value as a number; false when it is none or does not fit. */
bool json_u64_value(struct json_object *v, uint64_t *ret);
bool json_i64_value(struct json_object *v, int64_t *ret);
bool json_bool_value(struct json_object *v, bool *ret);
/* The text of a number that is not whole ("1.5", "1e9"), NULL when it is none. */
const char *json_real_text(struct json_object *v);
/* The name of a value that is a member of an object, NULL for any other. */
const char *json_key(struct json_object *v);

size_t json_array_size(struct json_object *array);
struct json_object *json_array_item(struct json_object *array, size_t i);

size_t json_member_count(struct json_object *obj);
struct json_object *json_member_at(struct json_object *obj, size_t i);

/* The member of that name, whatever it is; NULL when there is none, or obj is no object. */
struct json_object *json_member(struct json_object *obj, const char *key);

/* Calls each(key, value, userdata) for every member, in order, until one returns non-zero; returns that. */
int json_each(struct json_object *obj, int (*each)(const char *key, struct json_object *value, void *userdata),
              void *userdata);

/* Appends the value to the buffer as compact JSON. */
void json_add_value(struct buf *out, struct json_object *v);

/*
 * Writing: a thin layer over struct buf that places commas and escapes strings (a byte
 * that is not UTF-8 becomes U+FFFD).
 * key is NULL inside an array and for the root.
 */
struct json_writer {
        struct buf *out;
        unsigned indent; /* spaces a level; 0 for compact output */
        unsigned depth;
        bool comma;
};

void json_begin_object(struct json_writer *w, const char *key);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w, const char *key);
void json_end_array(struct json_writer *w);
void json_write_string(struct json_writer *w, const char *key, const char *value);
void json_write_bool(struct json_writer *w, const char *key, bool value);
void json_write_i64(struct json_writer *w, const char *key, int64_t value);
void json_write_u64(struct json_writer *w, const char *key, uint64_t value);
void json_write_value(struct json_writer *w, const char *key, struct json_object *v);
/* An array of strings, which ends with NULL; nothing when there is none. */
void json_write_strings(struct json_writer *w, const char *key, const char *const *list);
/* text is JSON already */
void json_write_raw(struct json_writer *w, const char *key, const char *text);
