/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0 (toml.io), as far as registries.conf needs it: tables, arrays of tables, all four kinds of strings, truth
 * values, whole numbers, arrays, inline tables. Floats and dates are refused. Values live as long as the root.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum toml_type { TOML_STRING, TOML_INTEGER, TOML_BOOLEAN, TOML_ARRAY, TOML_TABLE };

struct toml_value {
        enum toml_type type;
        const char *key; /* in a table */
        union {
                const char *string;
                int64_t integer;
                bool boolean;
                struct toml_value *first; /* of a table's or an array's items, in order */
        };
        struct toml_value *next, *last;
        uint8_t made; /* how: the parser's */
};

/* Parses the whole text. *ret_root is a table, for toml_free(). -EINVAL says in which line. */
int toml_parse(const char *text, size_t len, struct toml_value **ret_root, struct error *err);
void toml_free(struct toml_value *root);

static inline void toml_free_(struct toml_value **root)
{
        toml_free(*root);
}
#define own_toml __attribute__((cleanup(toml_free_)))

/* A member of a table: 1; 0 when it is absent (*ret is untouched); -EINVAL for another type. */
int toml_get_string(const struct toml_value *table, const char *key, const char **ret, struct error *err);
int toml_get_bool(const struct toml_value *table, const char *key, bool *ret, struct error *err);
/* All its items are of that type. */
int toml_get_array(const struct toml_value *table, const char *key, enum toml_type item, const struct toml_value **ret,
                   struct error *err);
int toml_get_table(const struct toml_value *table, const char *key, const struct toml_value **ret, struct error *err);
