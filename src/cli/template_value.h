/* SPDX-License-Identifier: Apache-2.0 */
/* What a template computes with: the values of JSON, and texts and lists made on the way. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

enum template_kind {
        VALUE_NONE, /* what a map does not have */
        VALUE_NULL,
        VALUE_BOOL,
        VALUE_INTEGER,
        VALUE_REAL,
        VALUE_TEXT,
        VALUE_LIST,
        VALUE_MAP,
};

struct template_value {
        enum template_kind kind;
        bool negative;            /* of an integer */
        struct json_object *json; /* where it comes from; NULL: it was made */
        union {
                bool truth;
                uint64_t magnitude; /* of an integer, without the sign */
                double real;
                struct {
                        const char *text;
                        size_t len;
                };
                struct {
                        const struct template_value *items; /* NULL: those of json, from first on */
                        size_t first, n;
                };
        };
};

struct template_value template_value_of_json(struct json_object *json);
struct template_value template_value_of_text(const char *text, size_t len);
struct template_value template_value_of_bool(bool truth);
struct template_value template_value_of_size(size_t n);

/* What if and with go by: no zero, nothing empty. */
bool template_value_is_true(const struct template_value *v);

/* i must be below v->n; v must be a list. */
struct template_value template_value_item(const struct template_value *v, size_t i);

/* "a string", for errors. */
const char *template_kind_name(const struct template_value *v);

/* The number of members or items; false for what has none. A string's bytes; null is empty. */
bool template_value_length(const struct template_value *v, size_t *ret);

/* A map's members sorted by name, malloc'ed, in *ret; -ENOMEM. */
int template_map_sorted(struct json_object *map, struct json_object ***ret);

/* What an action prints: "[a b]", "map[k:v]", "<no value>". 0 or -ENOMEM. */
int template_value_show(struct buf *out, const struct template_value *v);
/* The same as an argument of print and inside of others, where null is "<nil>". 0 or -ENOMEM. */
int template_value_print(struct buf *out, const struct template_value *v);

/* The shortest text that reads as this number again; with an exponent below 10^smallest and from 10^large on. */
void template_real_print(struct buf *out, double real, int smallest, int large);
