/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "cli/template.h"
#include "cli/template_nodes.h"

struct value {
        enum { VALUE_JSON, VALUE_TEXT, VALUE_NUMBER } kind;
        struct json_object *json;
        const char *text;
        uint64_t number;
};

struct run {
        struct json_object *root;
        struct arena arena; /* of texts that were made on the way */
        struct error *err;
};

struct search {
        const char *key;
        struct json_object *found;
        struct buf names;
};

static int look_for(const char *key, struct json_object *value, void *userdata)
{
        struct search *s = userdata;

        buf_addf(&s->names, "%s%s", s->names.len ? ", " : "", key);
        if (strcmp(key, s->key) == 0)
                s->found = value;
        return 0;
}

static struct json_object *member(struct json_object *obj, const char *key)
{
        struct search s = { .key = key };

        if (json_is_object(obj))
                json_each(obj, look_for, &s);
        buf_finish(&s.names);
        return s.found;
}

static int no_field(struct run *run, struct json_object *obj, const char *key)
{
        struct search s = { .key = key };
        int r;

        if (!json_is_object(obj))
                return error_set(run->err, EINVAL, "template: no field \"%s\": what it is looked for in has no fields",
                                 key);
        json_each(obj, look_for, &s);
        r = error_set(run->err, EINVAL, "template: no field \"%s\"; there are %.300s", key, buf_str(&s.names));
        buf_finish(&s.names);
        return r;
}

static int find_field(struct run *run, const struct template_operand *o, struct value *ret)
{
        struct json_object *v = run->root;

        for (const char *const *key = o->path; *key; key++) {
                struct json_object *next = member(v, *key);

                if (!next)
                        return no_field(run, v, *key);
                v = next;
        }
        *ret = (struct value){ .kind = VALUE_JSON, .json = v };
        return 0;
}

static int evaluate(struct run *run, const struct template_operand *o, struct value *ret)
{
        switch (o->kind) {
        case OPERAND_FIELD:
                return find_field(run, o, ret);
        case OPERAND_STRING:
                *ret = (struct value){ .kind = VALUE_TEXT, .text = o->string };
                return 0;
        default:
                *ret = (struct value){ .kind = VALUE_NUMBER, .number = o->number };
                return 0;
        }
}

struct sorted_member {
        const char *key;
        struct json_object *value;
};

struct members {
        struct sorted_member *items;
        size_t n;
};

static int collect(const char *key, struct json_object *value, void *userdata)
{
        struct members *m = userdata;

        m->items[m->n++] = (struct sorted_member){ key, value };
        return 0;
}

static int compare(const void *a, const void *b)
{
        return strcmp(((const struct sorted_member *)a)->key, ((const struct sorted_member *)b)->key);
}

static int add_map(struct buf *out, struct json_object *v)
{
        own_mem struct sorted_member *items = calloc(json_member_count(v) + 1, sizeof *items);
        struct members m = { .items = items };

        if (!items)
                return -ENOMEM;
        json_each(v, collect, &m);
        qsort(items, m.n, sizeof *items, compare);
        buf_add_str(out, "map[");
        for (size_t i = 0; i < m.n; i++) {
                buf_addf(out, "%s%s:", i ? " " : "", items[i].key);
                if (template_add_value(out, items[i].value) < 0)
                        return -ENOMEM;
        }
        buf_add_str(out, "]");
        return 0;
}

int template_add_value(struct buf *out, struct json_object *v)
{
        size_t at = out->len;

        if (json_string_value(v)) {
                buf_add_str(out, json_string_value(v));
        } else if (json_is_object(v)) {
                return add_map(out, v);
        } else if (json_is_array(v)) {
                buf_add_str(out, "[");
                for (size_t i = 0; i < json_array_size(v); i++) {
                        buf_add_str(out, i ? " " : "");
                        if (template_add_value(out, json_array_item(v, i)) < 0)
                                return -ENOMEM;
                }
                buf_add_str(out, "]");
        } else {
                json_add_value(out, v);
                if (strcmp(buf_str(out) + at, "null") == 0) {
                        out->len = at;
                        buf_add_str(out, "<no value>");
                }
        }
        return 0;
}

static int add(struct buf *out, const struct value *v)
{
        if (v->kind == VALUE_TEXT)
                buf_add_str(out, v->text);
        else if (v->kind == VALUE_NUMBER)
                buf_addf(out, "%" PRIu64, v->number);
        else
                return template_add_value(out, v->json);
        return 0;
}

/* Makes the buffer's content the value. */
static int set_text(struct run *run, const struct buf *b, struct value *ret)
{
        const char *text = buf_failed(b) ? NULL : arena_strdup(&run->arena, buf_str(b));

        if (!text)
                return error_set(run->err, ENOMEM, "out of memory");
        *ret = (struct value){ .kind = VALUE_TEXT, .text = text };
        return 0;
}

static int call_json(struct run *run, const struct value *v, struct value *ret)
{
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out };

        if (v->kind == VALUE_TEXT)
                json_write_string(&w, NULL, v->text);
        else if (v->kind == VALUE_NUMBER)
                json_write_u64(&w, NULL, v->number);
        else
                json_add_value(&out, v->json);
        return set_text(run, &out, ret);
}

static int call_case(struct run *run, const struct value *v, int (*convert)(int), struct value *ret)
{
        own_buf struct buf out = {};

        if (add(&out, v) < 0)
                return error_set(run->err, ENOMEM, "out of memory");
        for (size_t i = 0; i < out.len; i++)
                out.data[i] = (char)convert((unsigned char)out.data[i]);
        return set_text(run, &out, ret);
}

static int call_len(struct run *run, const struct value *v, struct value *ret)
{
        const char *text = v->kind == VALUE_TEXT ? v->text : v->kind == VALUE_JSON ? json_string_value(v->json) : NULL;
        uint64_t n;

        if (text)
                n = strlen(text);
        else if (v->kind == VALUE_JSON && json_is_array(v->json))
                n = json_array_size(v->json);
        else if (v->kind == VALUE_JSON && json_is_object(v->json))
                n = json_member_count(v->json);
        else
                return error_set(run->err, EINVAL, "template: len of what has no length");
        *ret = (struct value){ .kind = VALUE_NUMBER, .number = n };
        return 0;
}

/* index X "key" 0: what is not in a map is empty, as with Go; what is not in a list is an error. */
static int call_index(struct run *run, const struct value *v, size_t n, struct value *ret)
{
        struct value at = v[0];

        for (size_t i = 1; i < n; i++) {
                const char *key = v[i].kind == VALUE_TEXT   ? v[i].text
                                  : v[i].kind == VALUE_JSON ? json_string_value(v[i].json)
                                                            : NULL;
                struct json_object *next;

                if (at.kind == VALUE_JSON && key && json_is_object(at.json)) {
                        next = member(at.json, key);
                } else if (at.kind == VALUE_JSON && v[i].kind == VALUE_NUMBER && json_is_array(at.json)) {
                        if (v[i].number >= json_array_size(at.json))
                                return error_set(run->err, EINVAL, "template: index: %" PRIu64 " is out of range",
                                                 v[i].number);
                        next = json_array_item(at.json, v[i].number);
                } else {
                        return error_set(run->err, EINVAL,
                                         "template: index: neither a list and a number nor a map and a key");
                }
                at = next ? (struct value){ .kind = VALUE_JSON, .json = next }
                          : (struct value){ .kind = VALUE_TEXT, .text = "" };
        }
        *ret = at;
        return 0;
}

static int call_join(struct run *run, const struct value *list, const struct value *between, struct value *ret)
{
        own_buf struct buf out = {};

        if (list->kind != VALUE_JSON || !json_is_array(list->json))
                return error_set(run->err, EINVAL, "template: join: not a list");
        for (size_t i = 0; i < json_array_size(list->json); i++) {
                if ((i && add(&out, between) < 0) || template_add_value(&out, json_array_item(list->json, i)) < 0)
                        return error_set(run->err, ENOMEM, "out of memory");
        }
        return set_text(run, &out, ret);
}

static int call(struct run *run, const struct template_call *c, const struct value *v, size_t n, struct value *ret)
{
        switch (c->function) {
        case CALL_JSON:
                return call_json(run, &v[0], ret);
        case CALL_UPPER:
                return call_case(run, &v[0], toupper, ret);
        case CALL_LOWER:
                return call_case(run, &v[0], tolower, ret);
        case CALL_LEN:
                return call_len(run, &v[0], ret);
        case CALL_INDEX:
                return call_index(run, v, n, ret);
        case CALL_JOIN:
                return call_join(run, &v[0], &v[1], ret);
        default:
                *ret = v[0];
                return 0;
        }
}

static int run_pipeline(struct run *run, const struct template_node *node, struct buf *out)
{
        struct value piped = {};

        for (size_t i = 0; i < node->n_calls; i++) {
                const struct template_call *c = &node->calls[i];
                struct value v[TEMPLATE_MAX_OPERANDS + 1] = {};
                size_t n = 0;

                for (; n < c->n_operands; n++) {
                        int r = evaluate(run, &c->operands[n], &v[n]);

                        if (r < 0)
                                return r;
                }
                if (i)
                        v[n++] = piped;
                if (call(run, c, v, n, &piped) < 0)
                        return -run->err->code;
        }
        return add(out, &piped) < 0 ? error_set(run->err, ENOMEM, "out of memory") : 0;
}

int template_execute(const struct template *t, struct json_object *root, struct buf *out, struct error *err)
{
        struct error ignored;
        struct run run = { .root = root, .err = err ? err : &ignored };
        int r = 0;

        for (const struct template_node *node = t->first; r == 0 && node; node = node->next) {
                if (node->text)
                        buf_add_str(out, node->text);
                else
                        r = run_pipeline(&run, node, out);
        }
        arena_finish(&run.arena);
        if (r == 0 && buf_failed(out))
                return error_set(err, ENOMEM, "out of memory");
        return r;
}
