/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

enum { NAME_SIZE = 32 };

#define FLAG(m) { #m, OPTION_KIND_FLAG, offsetof(struct instance_options, m) },
#define TEXT(m) { #m, OPTION_KIND_TEXT, offsetof(struct instance_options, m) },
#define LIST(m) { #m, OPTION_KIND_LIST, offsetof(struct instance_options, m) },
static const struct option_member members[] = { INSTANCE_OPTIONS(FLAG, TEXT, LIST) };
#undef FLAG
#undef TEXT
#undef LIST

void instance_options_finish(struct instance_options *o)
{
        arena_finish(&o->arena);
        *o = (struct instance_options){};
}

/* "cap-add" names the member cap_add. */
const struct option_member *instance_option_find(const char *name)
{
        char member[NAME_SIZE];
        size_t n = strlen(name);

        if (n >= sizeof member)
                return NULL;
        for (size_t i = 0; i <= n; i++)
                member[i] = (char)(name[i] == '-' ? '_' : name[i]);
        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                if (strcmp(members[i].name, member) == 0)
                        return &members[i];
        }
        return NULL;
}

const struct option_member *instance_option_next(const struct option_member *m)
{
        if (!m)
                return members;
        return m + 1 < members + ARRAY_SIZE(members) ? m + 1 : NULL;
}

static bool *flag_of(const struct instance_options *o, const struct option_member *m)
{
        return (bool *)((char *)o + m->offset);
}

static const char **text_of(const struct instance_options *o, const struct option_member *m)
{
        return (const char **)((char *)o + m->offset);
}

static const char *const **list_of(const struct instance_options *o, const struct option_member *m)
{
        return (const char *const **)((char *)o + m->offset);
}

int instance_option_set(struct instance_options *o, const struct option_member *m, const char *value)
{
        const char *copy;

        if (m->kind == OPTION_KIND_FLAG) {
                *flag_of(o, m) = strcmp(value, "false") != 0;
                return 0;
        }
        if (m->kind == OPTION_KIND_LIST)
                return instance_option_set_list(o, m, &value, 1);
        copy = arena_strdup(&o->arena, value);
        if (!copy)
                return -ENOMEM;
        *text_of(o, m) = copy;
        return 0;
}

int instance_option_set_list(struct instance_options *o, const struct option_member *m, const char *const *values,
                             size_t n)
{
        const char **list = n ? arena_alloc(&o->arena, n + 1, sizeof *list) : NULL;

        if (n && !list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                list[i] = arena_strdup(&o->arena, values[i]);
                if (!list[i])
                        return -ENOMEM;
        }
        if (n)
                list[n] = NULL;
        *list_of(o, m) = list;
        return 0;
}

/* ---- as JSON ---- */

void instance_options_write(const struct instance_options *o, struct json_writer *w, const char *key)
{
        json_begin_object(w, key);
        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                const struct option_member *m = &members[i];

                if (m->kind == OPTION_KIND_FLAG && *flag_of(o, m))
                        json_write_bool(w, m->name, true);
                else if (m->kind == OPTION_KIND_TEXT && *text_of(o, m))
                        json_write_string(w, m->name, *text_of(o, m));
                else if (m->kind == OPTION_KIND_LIST && *list_of(o, m))
                        json_write_strings(w, m->name, *list_of(o, m));
        }
        json_end_object(w);
}

static int read_list(struct instance_options *o, const struct option_member *m, struct json_object *array,
                     struct error *err)
{
        size_t n = json_array_size(array);
        own_mem const char **values = calloc(n + 1, sizeof *values);

        if (!values)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < n; i++) {
                values[i] = json_string_value(json_array_item(array, i));
                if (!values[i])
                        return error_set(err, EINVAL, "%s: an element is no string", m->name);
        }
        return instance_option_set_list(o, m, values, n) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int read_member(struct instance_options *o, const struct option_member *m, struct json_object *obj,
                       struct error *err)
{
        struct json_object *array;
        const char *text;
        int r;

        switch (m->kind) {
        case OPTION_KIND_FLAG:
                return json_get_bool(obj, m->name, flag_of(o, m), err);
        case OPTION_KIND_TEXT:
                r = json_get_string(obj, m->name, &text, err);
                if (r > 0 && instance_option_set(o, m, text) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                return r;
        case OPTION_KIND_LIST:
                r = json_get_array(obj, m->name, &array, err);
                return r > 0 ? read_list(o, m, array, err) : r;
        }
        return 0;
}

static int check_name(const char *key, struct json_object *value, void *userdata)
{
        const struct option_member *m = instance_option_find(key);

        return m && strcmp(m->name, key) == 0 ? 0 : error_set(userdata, EINVAL, "there is no option \"%s\"", key);
}

int instance_options_read(struct json_object *obj, struct instance_options *ret, struct error *err)
{
        struct instance_options o = {};
        int r = json_each(obj, check_name, err);

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(members); i++)
                r = read_member(&o, &members[i], obj, err);
        if (r < 0) {
                instance_options_finish(&o);
                return r;
        }
        *ret = o;
        return 0;
}
