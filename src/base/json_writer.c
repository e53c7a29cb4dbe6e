/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/json_value.h"
#include "base/utf8.h"

/* Stands for itself in a string. */
static bool is_plain(char c)
{
        return c >= ' ' && c != '"' && c != '\\' && (unsigned char)c < 0x80;
}

static void add_escape(struct buf *out, char c)
{
        if (c == '"' || c == '\\')
                buf_addf(out, "\\%c", c);
        else if (c == '\n')
                buf_add_str(out, "\\n");
        else if (c == '\t')
                buf_add_str(out, "\\t");
        else
                buf_addf(out, "\\u%04x", (unsigned)c);
}

/* A name of the system need not be UTF-8, but JSON must: a byte that is none becomes U+FFFD. */
static void add_escaped(struct buf *out, const char *s)
{
        buf_add(out, "\"", 1);
        while (*s) {
                const char *run = s;
                size_t n;

                while (is_plain(*s))
                        s++;
                buf_add(out, run, (size_t)(s - run));
                if ((unsigned char)*s < 0x80) {
                        if (*s)
                                add_escape(out, *s++);
                        continue;
                }
                n = utf8_length(s);
                if (n)
                        buf_add(out, s, n);
                else
                        buf_add_str(out, "\\ufffd");
                s += n ? n : 1;
        }
        buf_add(out, "\"", 1);
}

static void newline(struct json_writer *w)
{
        if (w->indent)
                buf_addf(w->out, "\n%*s", (int)(w->indent * w->depth), "");
}

static void lead(struct json_writer *w, const char *key)
{
        if (w->comma)
                buf_add(w->out, ",", 1);
        if (w->depth)
                newline(w);
        if (key) {
                add_escaped(w->out, key);
                buf_add_str(w->out, w->indent ? ": " : ":");
        }
        w->comma = true;
}

static void begin(struct json_writer *w, const char *key, const char *open)
{
        lead(w, key);
        buf_add_str(w->out, open);
        w->depth++;
        w->comma = false;
}

static void end(struct json_writer *w, const char *close)
{
        w->depth--;
        if (w->comma)
                newline(w);
        buf_add_str(w->out, close);
        w->comma = true;
}

void json_begin_object(struct json_writer *w, const char *key)
{
        begin(w, key, "{");
}

void json_end_object(struct json_writer *w)
{
        end(w, "}");
}

void json_begin_array(struct json_writer *w, const char *key)
{
        begin(w, key, "[");
}

void json_end_array(struct json_writer *w)
{
        end(w, "]");
}

void json_write_string(struct json_writer *w, const char *key, const char *value)
{
        lead(w, key);
        add_escaped(w->out, value);
}

void json_write_bool(struct json_writer *w, const char *key, bool value)
{
        lead(w, key);
        buf_add_str(w->out, value ? "true" : "false");
}

void json_write_i64(struct json_writer *w, const char *key, int64_t value)
{
        lead(w, key);
        buf_addf(w->out, "%" PRId64, value);
}

void json_write_u64(struct json_writer *w, const char *key, uint64_t value)
{
        lead(w, key);
        buf_addf(w->out, "%" PRIu64, value);
}

void json_write_strings(struct json_writer *w, const char *key, const char *const *list)
{
        if (!list)
                return;
        json_begin_array(w, key);
        for (; *list; list++)
                json_write_string(w, NULL, *list);
        json_end_array(w);
}

void json_write_raw(struct json_writer *w, const char *key, const char *text)
{
        lead(w, key);
        buf_add_str(w->out, text);
}

void json_write_value(struct json_writer *w, const char *key, struct json_object *v)
{
        switch (v->type) {
        case JSON_OBJECT:
                json_begin_object(w, key);
                for (size_t i = 0; i < v->n; i++)
                        json_write_value(w, v->items[i].key, &v->items[i]);
                json_end_object(w);
                break;
        case JSON_ARRAY:
                json_begin_array(w, key);
                for (size_t i = 0; i < v->n; i++)
                        json_write_value(w, NULL, &v->items[i]);
                json_end_array(w);
                break;
        case JSON_STRING:
                json_write_string(w, key, v->string);
                break;
        case JSON_INTEGER:
                if (v->negative)
                        json_write_i64(w, key, (int64_t)(0 - v->magnitude));
                else
                        json_write_u64(w, key, v->magnitude);
                break;
        case JSON_BOOL:
                json_write_bool(w, key, v->magnitude);
                break;
        default:
                json_write_raw(w, key, v->type == JSON_REAL ? v->string : "null");
        }
}

void json_add_value(struct buf *out, struct json_object *v)
{
        struct json_writer w = { .out = out };

        json_write_value(&w, NULL, v);
}
