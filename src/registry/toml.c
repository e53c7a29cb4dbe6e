/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/toml.h"

#include <errno.h>
#include <string.h>

/* The member, or NULL. */
static const struct toml_value *member(const struct toml_value *table, const char *key)
{
        for (const struct toml_value *v = table->first; v; v = v->next) {
                if (strcmp(v->key, key) == 0)
                        return v;
        }
        return NULL;
}

static const char *type_name(enum toml_type type)
{
        static const char *const names[] = { "a string", "a number", "true or false", "an array", "a table" };

        return names[type];
}

/* 1, 0 or -EINVAL as the getters. */
static int member_of_type(const struct toml_value *table, const char *key, enum toml_type type,
                          const struct toml_value **ret, struct error *err)
{
        const struct toml_value *v = member(table, key);

        if (!v)
                return 0;
        if (v->type != type)
                return error_set(err, EINVAL, "%s: expected %s", key, type_name(type));
        *ret = v;
        return 1;
}

int toml_get_string(const struct toml_value *table, const char *key, const char **ret, struct error *err)
{
        const struct toml_value *v = NULL;
        int r = member_of_type(table, key, TOML_STRING, &v, err);

        if (r > 0)
                *ret = v->string;
        return r;
}

int toml_get_bool(const struct toml_value *table, const char *key, bool *ret, struct error *err)
{
        const struct toml_value *v = NULL;
        int r = member_of_type(table, key, TOML_BOOLEAN, &v, err);

        if (r > 0)
                *ret = v->boolean;
        return r;
}

int toml_get_table(const struct toml_value *table, const char *key, const struct toml_value **ret, struct error *err)
{
        return member_of_type(table, key, TOML_TABLE, ret, err);
}

int toml_get_array(const struct toml_value *table, const char *key, enum toml_type item, const struct toml_value **ret,
                   struct error *err)
{
        const struct toml_value *v = NULL;
        int r = member_of_type(table, key, TOML_ARRAY, &v, err);

        if (r <= 0)
                return r;
        for (const struct toml_value *i = v->first; i; i = i->next) {
                if (i->type != item)
                        return error_set(err, EINVAL, "%s: expected %s as every item", key, type_name(item));
        }
        *ret = v;
        return 1;
}
