/* SPDX-License-Identifier: Apache-2.0 */
/* What Docker has for texts: json, upper, lower, title, pad, truncate, join, split. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/utf8.h"
#include "cli/template_run.h"

/* Go's encoding/json: no zero before the exponent's digits. */
static void json_add_real(struct buf *out, double real)
{
        enum { SMALLEST = -6, LARGE = 21 };
        size_t begin = out->len, len;

        template_real_print(out, real, SMALLEST, LARGE);
        len = out->len;
        if (!buf_failed(out) && len - begin > 4 && memcmp(out->data + len - 4, "e-0", 3) == 0) {
                char last = out->data[len - 1];

                out->len = len - 2;
                buf_add(out, &last, 1);
        }
}

static void json_add(struct buf *out, const struct template_value *v)
{
        struct json_writer w = { .out = out };

        switch (v->kind) {
        case VALUE_TEXT: {
                own_buf struct buf text = {};

                buf_add(&text, v->text, v->len);
                json_write_string(&w, NULL, buf_str(&text));
                break;
        }
        case VALUE_LIST:
                buf_add_str(out, "[");
                for (size_t i = 0; i < v->n; i++) {
                        struct template_value item = template_value_item(v, i);

                        buf_add_str(out, i ? "," : "");
                        json_add(out, &item);
                }
                buf_add_str(out, "]");
                break;
        case VALUE_MAP:
                json_add_value(out, v->json);
                break;
        case VALUE_REAL:
                json_add_real(out, v->real);
                break;
        case VALUE_NONE:
        case VALUE_NULL:
                buf_add_str(out, "null");
                break;
        case VALUE_BOOL:
        case VALUE_INTEGER:
                template_value_print(out, v);
                break;
        }
}

int template_call_json(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        own_buf struct buf out = {};

        json_add(&out, v);
        return template_set_text(run, &out, ret);
}

static int convert(struct template_run *run, const struct template_value *v, int (*letter)(int),
                   struct template_value *ret)
{
        int r = template_want(run, v, VALUE_TEXT);
        char *text;

        if (r < 0)
                return r;
        text = template_make(run, v->len + 1, 1);
        if (!text)
                return -run->err->code;
        for (size_t i = 0; i < v->len; i++)
                text[i] = (char)letter((unsigned char)v->text[i]);
        *ret = template_value_of_text(text, v->len);
        return 0;
}

int template_call_upper(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        return convert(run, v, toupper, ret);
}

int template_call_lower(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        return convert(run, v, tolower, ret);
}

/* Part of a word: letters, also those beyond ASCII, digits and "_". */
static bool in_word(char c)
{
        return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

int template_call_title(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        int r = template_want(run, v, VALUE_TEXT);
        char *text;

        if (r < 0)
                return r;
        text = template_make(run, v->len + 1, 1);
        if (!text)
                return -run->err->code;
        memcpy(text, v->text, v->len);
        for (size_t i = 0; i < v->len; i++) {
                if (!i || !in_word(v->text[i - 1]))
                        text[i] = (char)toupper((unsigned char)v->text[i]);
        }
        *ret = template_value_of_text(text, v->len);
        return 0;
}

/* pad TEXT BEFORE BEHIND: spaces; nothing stays nothing. */
int template_call_pad(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        size_t before = 0, behind = 0, len;
        int r = template_want(run, v, VALUE_TEXT);
        char *text;

        if (r == 0)
                r = template_want_index(run, &v[1], TEMPLATE_MAX_TEXT, &before);
        if (r == 0)
                r = template_want_index(run, &v[2], TEMPLATE_MAX_TEXT, &behind);
        if (r < 0)
                return r;
        *ret = *v;
        if (!v->len)
                return 0;
        len = before + v->len + behind;
        text = template_make(run, len + 1, 1);
        if (!text)
                return -run->err->code;
        memset(text, ' ', len);
        memcpy(text + before, v->text, v->len);
        *ret = template_value_of_text(text, len);
        return 0;
}

/* truncate TEXT LENGTH: in bytes. */
int template_call_truncate(struct template_run *run, const struct template_value *v, size_t n,
                           struct template_value *ret)
{
        size_t most = 0;
        int r = template_want(run, v, VALUE_TEXT);

        if (r == 0)
                r = template_want_index(run, &v[1], SIZE_MAX, &most);
        if (r == 0)
                *ret = template_value_of_text(v->text, most < v->len ? most : v->len);
        return r;
}

/* join LIST SEPARATOR: null is the empty list. */
int template_call_join(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        own_buf struct buf out = {};
        int r = v->kind == VALUE_NULL ? 0 : template_want(run, v, VALUE_LIST);

        if (r == 0)
                r = template_want(run, &v[1], VALUE_TEXT);
        for (size_t i = 0; r == 0 && v->kind == VALUE_LIST && i < v->n; i++) {
                struct template_value item = template_value_item(v, i);

                r = template_want(run, &item, VALUE_TEXT);
                if (r < 0)
                        break;
                if (out.len + item.len + v[1].len > TEMPLATE_MAX_TEXT)
                        return error_set(run->err, EINVAL, "the template makes too much");
                buf_add(&out, v[1].text, i ? v[1].len : 0);
                buf_add(&out, item.text, item.len);
        }
        return r < 0 ? r : template_set_text(run, &out, ret);
}

/* Where the part that begins at s ends: at the separator, or, without one, behind a character. */
static const char *part_end(const char *s, const char *end, const struct template_value *separator)
{
        const char *found;
        size_t n;

        if (separator->len) {
                found = memmem(s, (size_t)(end - s), separator->text, separator->len);
                return found ? found : end;
        }
        n = utf8_length(s);
        return n && n <= (size_t)(end - s) ? s + n : s + 1;
}

/* Of n parts; with no room only counts them. */
static size_t split(const struct template_value *v, struct template_value *parts)
{
        const char *s = v->text, *end = s + v->len, *stop;
        size_t n = 0;

        if (!v[1].len && !v->len)
                return 0;
        for (;; s = stop + v[1].len) {
                stop = part_end(s, end, &v[1]);
                if (parts)
                        parts[n] = template_value_of_text(s, (size_t)(stop - s));
                n++;
                if (stop == end)
                        return n;
        }
}

int template_call_split(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        struct template_value *parts;
        int r = template_want(run, v, VALUE_TEXT);

        if (r == 0)
                r = template_want(run, &v[1], VALUE_TEXT);
        if (r < 0)
                return r;
        n = split(v, NULL);
        parts = template_make(run, n + 1, sizeof *parts);
        if (!parts)
                return -run->err->code;
        split(v, parts);
        *ret = (struct template_value){ .kind = VALUE_LIST, .items = parts, .n = n };
        return 0;
}
