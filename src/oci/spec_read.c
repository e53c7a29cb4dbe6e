/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int put_before(struct error *err, const char *prefix)
{
        size_t n = strlen(prefix), len = strlen(err->text);

        if (err->code == ENOMEM)
                return -ENOMEM;
        if (len + n >= sizeof err->text)
                len = sizeof err->text - 1 - n;
        memmove(err->text + n, err->text, len);
        memcpy(err->text, prefix, n);
        err->text[n + len] = '\0';
        return -err->code;
}

int at_member(struct error *err, const char *name)
{
        char prefix[64];

        snprintf(prefix, sizeof prefix, "%s%s", name, err->text[0] == '[' ? "" : ".");
        return put_before(err, prefix);
}

int at_index(struct error *err, size_t i)
{
        char prefix[32];

        snprintf(prefix, sizeof prefix, "[%zu]%s", i, err->text[0] == '[' ? "" : ".");
        return put_before(err, prefix);
}

int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

int unknown_value(struct error *err, const char *key, const char *value)
{
        return error_set(err, EINVAL, "%s: unknown value \"%s\"", key, value);
}

int read_string(struct json_object *o, const char *key, const char **ret, struct error *err)
{
        const char *s = NULL;
        int r = json_get_string(o, key, &s, err);

        if (r < 0)
                return r;
        if (s && *s)
                *ret = s;
        return 0;
}

int read_bool(struct json_object *o, const char *key, bool *ret, struct error *err)
{
        int r = json_get_bool(o, key, ret, err);

        return r < 0 ? r : 0;
}

int read_u32(struct json_object *o, const char *key, uint32_t *ret, struct error *err)
{
        int r = json_get_u32(o, key, ret, err);

        return r < 0 ? r : 0;
}

int read_opt_bool(struct json_object *o, const char *key, struct opt_bool *ret, struct error *err)
{
        int r = json_get_bool(o, key, &ret->v, err);

        if (r < 0)
                return r;
        ret->set = r;
        return 0;
}

int read_opt_i64(struct json_object *o, const char *key, struct opt_i64 *ret, struct error *err)
{
        int r = json_get_i64(o, key, &ret->v, err);

        if (r < 0)
                return r;
        ret->set = r;
        return 0;
}

int read_opt_u64(struct json_object *o, const char *key, uint64_t max, struct opt_u64 *ret, struct error *err)
{
        int r = json_get_u64(o, key, &ret->v, err);

        if (r < 0)
                return r;
        if (r && ret->v > max)
                return error_set(err, EINVAL, "%s: %llu is more than %llu", key, (unsigned long long)ret->v,
                                 (unsigned long long)max);
        ret->set = r;
        return 0;
}

int read_required(struct json_object *o, const char *key, const char **ret, struct error *err)
{
        const char *s = NULL;
        int r = read_string(o, key, &s, err);

        if (r < 0)
                return r;
        if (!s)
                return error_set(err, EINVAL, "%s: must be given", key);
        *ret = s;
        return 0;
}

int read_absolute(struct json_object *o, const char *key, const char **ret, struct error *err)
{
        const char *s = NULL;
        int r = read_string(o, key, &s, err);

        if (r < 0 || !s)
                return r;
        if (*s != '/')
                return error_set(err, EINVAL, "%s: must be an absolute path, not \"%s\"", key, s);
        *ret = s;
        return 0;
}

int read_name(struct json_object *o, const char *key, const struct name_value *table, uint64_t *ret, struct error *err)
{
        const char *s = NULL;
        int r = json_get_string(o, key, &s, err);

        if (r <= 0)
                return r;
        return name_value_find(table, s, ret) ? 1 : unknown_value(err, key, s);
}

int read_name_set(struct json_object *o, const char *key, const struct name_value *table, uint64_t *ret,
                  struct error *err)
{
        struct json_object *array;
        uint64_t set = 0, value;
        int r = json_get_array(o, key, &array, err);

        if (r <= 0)
                return r;
        for (size_t i = 0, n = json_array_size(array); i < n; i++) {
                const char *s = json_string_value(json_array_item(array, i));

                if (!s)
                        return error_set(err, EINVAL, "%s[%zu]: expected a string", key, i);
                if (!name_value_find(table, s, &value))
                        return error_set(err, EINVAL, "%s[%zu]: unknown value \"%s\"", key, i, s);
                set |= value;
        }
        *ret = set;
        return 1;
}

int read_str_list(struct arena *a, struct json_object *o, const char *key, struct str_list *ret, struct error *err)
{
        struct json_object *array;
        struct str_list list = {};
        int r = json_get_array(o, key, &array, err);

        if (r <= 0)
                return r;
        list.n = json_array_size(array);
        list.v = arena_alloc(a, list.n + 1, sizeof *list.v);
        if (!list.v)
                return no_memory(err);
        for (size_t i = 0; i < list.n; i++) {
                list.v[i] = json_string_value(json_array_item(array, i));
                if (!list.v[i])
                        return error_set(err, EINVAL, "%s[%zu]: expected a string", key, i);
        }
        *ret = list;
        return 0;
}

struct map_fill {
        const char *member;
        struct str_pair *next;
        struct error *err;
};

static int pair_add(const char *key, struct json_object *value, void *userdata)
{
        struct map_fill *f = userdata;

        if (!*key)
                return error_set(f->err, EINVAL, "%s: a key is empty", f->member);
        f->next->key = key;
        f->next->value = json_string_value(value);
        if (!f->next->value)
                return error_set(f->err, EINVAL, "%s[\"%s\"]: expected a string", f->member, key);
        f->next++;
        return 0;
}

int read_str_map(struct arena *a, struct json_object *o, const char *key, struct str_map *ret, struct error *err)
{
        struct map_fill fill = { key, NULL, err };
        struct json_object *object;
        struct str_map map = {};
        int r = json_get_object(o, key, &object, err);

        if (r <= 0)
                return r;
        map.n = json_member_count(object);
        map.v = fill.next = arena_alloc(a, map.n, sizeof *map.v);
        if (!map.v)
                return no_memory(err);
        r = json_each(object, pair_add, &fill);
        if (r < 0)
                return r;
        *ret = map;
        return 0;
}

static int id_mapping_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        static const char *const keys[] = { "containerID", "hostID", "size" };
        struct id_mapping *m = ret;
        uint32_t *const fields[] = { &m->container_id, &m->host_id, &m->size };

        for (size_t i = 0; i < 3; i++) {
                int r = json_get_u32(o, keys[i], fields[i], err);

                if (r < 0)
                        return r;
                if (!r)
                        return error_set(err, EINVAL, "%s: must be given", keys[i]);
        }
        if (!m->size)
                return error_set(err, EINVAL, "size: must not be 0");
        if (m->container_id > UINT32_MAX - m->size || m->host_id > UINT32_MAX - m->size)
                return error_set(err, EINVAL, "size: the range ends after the last id");
        return 0;
}

int read_id_mappings(struct arena *a, struct json_object *o, const char *key, struct id_mappings *ret,
                     struct error *err)
{
        return read_objects(a, o, key, id_mapping_read, sizeof *ret->v, &ret->v, &ret->n, err);
}

int read_object(struct arena *a, struct json_object *o, const char *key, object_reader *read, void *ret,
                struct error *err)
{
        struct json_object *object;
        int r = json_get_object(o, key, &object, err);

        if (r <= 0)
                return r;
        return read(a, object, ret, err) < 0 ? at_member(err, key) : 0;
}

int read_new(struct arena *a, struct json_object *o, const char *key, object_reader *read, size_t size,
             void *ret_struct, struct error *err)
{
        struct json_object *object;
        int r = json_get_object(o, key, &object, err);
        void *p;

        if (r <= 0)
                return r;
        p = arena_alloc(a, 1, size);
        if (!p)
                return no_memory(err);
        if (read(a, object, p, err) < 0)
                return at_member(err, key);
        memcpy(ret_struct, &p, sizeof p);
        return 0;
}

int read_objects(struct arena *a, struct json_object *o, const char *key, object_reader *read, size_t item_size,
                 void *ret_items, size_t *ret_n, struct error *err)
{
        struct json_object *array;
        int r = json_get_array(o, key, &array, err);
        char *items;
        size_t n;

        if (r <= 0)
                return r;
        n = json_array_size(array);
        items = arena_alloc(a, n, item_size);
        if (!items)
                return no_memory(err);
        for (size_t i = 0; i < n; i++) {
                struct json_object *item = json_array_item(array, i);

                if (!json_is_object(item))
                        return error_set(err, EINVAL, "%s[%zu]: expected an object", key, i);
                if (read(a, item, items + i * item_size, err) < 0)
                        return at_index(err, i), at_member(err, key);
        }
        memcpy(ret_items, &items, sizeof items);
        *ret_n = n;
        return 0;
}
