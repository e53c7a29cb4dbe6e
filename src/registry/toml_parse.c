/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table can be made by a header ([a.b]), by a header of one below it, by a dotted key (a.b = 1) or inline ({ ... });
 * who made it decides who may add to it: toml_value.made.
 */
#include "registry/toml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/parse.h"
#include "base/utf8.h"

/* Items are found by walking lists: their number is bounded, so that a hostile file costs no minutes. */
enum { MAX_TEXT = 1 << 20, MAX_DEPTH = 32, MAX_ITEMS = 20000 };

enum {
        MADE_IN_PASSING, /* by the header of a table below it: a header of its own may follow */
        MADE_BY_HEADER,
        MADE_BY_DOTS,
        MADE_INLINE,     /* complete: nothing is added */
        MADE_BY_HEADERS, /* an array of tables */
};

struct toml_document {
        struct toml_value root;
        struct arena arena;
};

struct parser {
        const char *p; /* the text ends with a NUL, and has no other */
        unsigned line, depth, items;
        struct toml_document *doc;
        struct error *err;
};

static int fail(struct parser *t, const char *what)
{
        return error_set(t->err, EINVAL, "line %u: %s", t->line, what);
}

static int no_memory(struct parser *t)
{
        return error_set(t->err, ENOMEM, "read TOML: out of memory");
}

/* --- between the words --- */

static void skip_blanks(struct parser *t)
{
        t->p += strspn(t->p, " \t");
}

static bool is_control(char c)
{
        return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* A comment, if there is one, up to the line's end. */
static int skip_comment(struct parser *t)
{
        if (*t->p != '#')
                return 0;
        for (; *t->p && *t->p != '\n' && !(t->p[0] == '\r' && t->p[1] == '\n'); t->p++) {
                if (is_control(*t->p))
                        return fail(t, "a control character in a comment");
        }
        return 0;
}

/* 1 when a line ended here. */
static int skip_newline(struct parser *t)
{
        if (t->p[0] == '\r' && t->p[1] == '\n')
                t->p++;
        if (*t->p != '\n')
                return 0;
        t->p++;
        t->line++;
        return 1;
}

/* Behind a value or a header: nothing more in this line. */
static int end_line(struct parser *t)
{
        int r;

        skip_blanks(t);
        r = skip_comment(t);
        if (r < 0)
                return r;
        return skip_newline(t) || !*t->p ? 0 : fail(t, "expected the end of the line");
}

/* Blanks, comments and ends of lines. */
static int skip_lines(struct parser *t)
{
        int r;

        do {
                skip_blanks(t);
                r = skip_comment(t);
        } while (r == 0 && skip_newline(t));
        return r;
}

/* --- strings --- */

static int hex_digits(struct parser *t, int n, uint32_t *ret)
{
        uint32_t value = 0;

        for (int i = 0; i < n; i++, t->p++) {
                static const char digits[] = "0123456789abcdef0123456789ABCDEF";
                const char *digit = *t->p ? strchr(digits, *t->p) : NULL;

                if (!digit)
                        return fail(t, "expected hexadecimal digits");
                value = value << 4 | (uint32_t)((digit - digits) % 16);
        }
        *ret = value;
        return 0;
}

static int add_unicode(struct parser *t, int n, struct buf *out)
{
        char text[4];
        uint32_t c = 0;
        int r = hex_digits(t, n, &c);

        if (r < 0)
                return r;
        if (!c || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return fail(t, "no character of that number");
        buf_add(out, text, (size_t)(utf8_put(text, c) - text));
        return 0;
}

/* In a string of several lines a backslash at the end of a line takes all blanks up to the next word away. */
static bool skip_joined_lines(struct parser *t)
{
        const char *p = t->p + strspn(t->p, " \t");

        if (*p != '\n' && !(p[0] == '\r' && p[1] == '\n'))
                return false;
        t->p = p;
        while (skip_newline(t))
                skip_blanks(t);
        return true;
}

/* Behind a backslash. */
static int add_escape(struct parser *t, bool lines, struct buf *out)
{
        static const char names[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
        const char *name;

        if (lines && skip_joined_lines(t))
                return 0;
        if (*t->p == 'u' || *t->p == 'U')
                return add_unicode(t, *t->p++ == 'u' ? 4 : 8, out);
        name = *t->p ? strchr(names, *t->p) : NULL;
        if (!name)
                return fail(t, "no such escape");
        t->p++;
        buf_add(out, values + (name - names), 1);
        return 0;
}

static int add_character(struct parser *t, bool lines, struct buf *out)
{
        size_t n;

        if (lines && skip_newline(t)) {
                buf_add(out, "\n", 1);
                return 0;
        }
        if (!*t->p || *t->p == '\n')
                return fail(t, "a string without an end");
        if (is_control(*t->p))
                return fail(t, "a control character in a string");
        n = utf8_length(t->p);
        if (!n)
                return fail(t, "not UTF-8");
        buf_add(out, t->p, n);
        t->p += n;
        return 0;
}

/* Whether the string ends here; up to two quotes more may stand before the three that end one of several lines. */
static bool string_ends(struct parser *t, char quote, bool lines, struct buf *out)
{
        size_t n = 0;

        while (n < 5 && t->p[n] == quote)
                n++;
        if (n < (lines ? 3U : 1U))
                return false;
        if (!lines) {
                t->p++;
                return true;
        }
        buf_add(out, t->p, n - 3);
        t->p += n;
        return true;
}

/* At a quote: one of the four kinds; lines: those of several lines are allowed here. */
static int parse_string(struct parser *t, bool allow_lines, const char **ret)
{
        own_buf struct buf out = {};
        char quote = *t->p;
        bool lines = allow_lines && t->p[1] == quote && t->p[2] == quote;
        int r = 0;

        t->p += lines ? 3 : 1;
        if (lines)
                skip_newline(t);
        while (r == 0 && !string_ends(t, quote, lines, &out)) {
                if (quote == '"' && *t->p == '\\') {
                        t->p++;
                        r = add_escape(t, lines, &out);
                } else {
                        r = add_character(t, lines, &out);
                }
        }
        if (r < 0)
                return r;
        *ret = buf_failed(&out) ? NULL : arena_strdup(&t->doc->arena, buf_str(&out));
        return *ret ? 0 : no_memory(t);
}

/* --- tables --- */

static int add_item(struct parser *t, struct toml_value *to, const char *key, struct toml_value **ret)
{
        struct toml_value *v = arena_alloc(&t->doc->arena, 1, sizeof *v);

        if (!v)
                return no_memory(t);
        if (++t->items > MAX_ITEMS)
                return fail(t, "too many items");
        v->key = key;
        if (to->last)
                to->last->next = v;
        else
                to->first = v;
        to->last = v;
        *ret = v;
        return 0;
}

static struct toml_value *find_item(struct toml_value *table, const char *key)
{
        struct toml_value *v = table->first;

        while (v && strcmp(v->key, key) != 0)
                v = v->next;
        return v;
}

static int add_table(struct parser *t, struct toml_value *to, const char *key, int made, struct toml_value **ret)
{
        int r = add_item(t, to, key, ret);

        if (r < 0 || !*ret)
                return r;
        (*ret)->type = TOML_TABLE;
        (*ret)->made = (uint8_t)made;
        return 0;
}

static int parse_simple_key(struct parser *t, const char **ret)
{
        static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        size_t n = strspn(t->p, bare);
        char *key;

        if (*t->p == '"' || *t->p == '\'')
                return parse_string(t, false, ret);
        if (!n)
                return fail(t, "expected a key");
        key = arena_alloc(&t->doc->arena, n + 1, 1);
        if (!key)
                return no_memory(t);
        memcpy(key, t->p, n);
        t->p += n;
        *ret = key;
        return 0;
}

/* A part of a dotted key; *ret_more: a dot follows. */
static int parse_key_part(struct parser *t, const char **ret, bool *ret_more)
{
        int r;

        skip_blanks(t);
        r = parse_simple_key(t, ret);
        skip_blanks(t);
        *ret_more = *t->p == '.';
        t->p += *ret_more;
        return r;
}

/* The table `key` in `table` on a header's way to one below it. */
static int header_step(struct parser *t, struct toml_value **table, const char *key)
{
        struct toml_value *v = find_item(*table, key);
        int r = v ? 0 : add_table(t, *table, key, MADE_IN_PASSING, &v);

        if (r < 0 || !v)
                return r;
        if (v->type == TOML_ARRAY && v->made == MADE_BY_HEADERS)
                v = v->last;
        if (v->type != TOML_TABLE || v->made == MADE_INLINE)
                return fail(t, "a key on the way to the table is no table that can grow");
        *table = v;
        return 0;
}

/* [table]: the header's last part. */
static int header_table(struct parser *t, struct toml_value **table, const char *key)
{
        struct toml_value *v = find_item(*table, key);
        int r;

        if (v && (v->type != TOML_TABLE || v->made != MADE_IN_PASSING))
                return fail(t, "the table is there already");
        r = v ? 0 : add_table(t, *table, key, MADE_BY_HEADER, &v);
        if (r < 0 || !v)
                return r;
        v->made = MADE_BY_HEADER;
        *table = v;
        return 0;
}

/* [[table]]: the header's last part. */
static int header_array(struct parser *t, struct toml_value **table, const char *key)
{
        struct toml_value *v = find_item(*table, key);
        int r = 0;

        if (v && (v->type != TOML_ARRAY || v->made != MADE_BY_HEADERS))
                return fail(t, "the array of tables is something else already");
        if (!v) {
                r = add_item(t, *table, key, &v);
                if (r < 0 || !v)
                        return r;
                v->type = TOML_ARRAY;
                v->made = MADE_BY_HEADERS;
        }
        return add_table(t, v, NULL, MADE_BY_HEADER, table);
}

/* At a bracket: *table becomes what the lines below it fill. */
static int parse_header(struct parser *t, struct toml_value **table)
{
        bool array = t->p[1] == '[', more;
        const char *key = NULL;
        int r;

        t->p += array ? 2 : 1;
        *table = &t->doc->root;
        for (unsigned depth = 0;; depth++) {
                r = parse_key_part(t, &key, &more);
                if (r < 0 || !key)
                        return r;
                if (!more)
                        break;
                if (depth == MAX_DEPTH)
                        return fail(t, "too many tables in one another");
                r = header_step(t, table, key);
                if (r < 0)
                        return r;
        }
        if (*t->p != ']' || (array && t->p[1] != ']'))
                return fail(t, "expected the header's closing bracket");
        t->p += array ? 2 : 1;
        return array ? header_array(t, table, key) : header_table(t, table, key);
}

/* --- values --- */

static int parse_value(struct parser *t, struct toml_value *v);

static int dotted_step(struct parser *t, struct toml_value **table, const char *key)
{
        struct toml_value *v = find_item(*table, key);
        int r = v ? 0 : add_table(t, *table, key, MADE_BY_DOTS, &v);

        if (r < 0 || !v)
                return r;
        if (v->type != TOML_TABLE || v->made != MADE_BY_DOTS)
                return fail(t, "the key is there already");
        *table = v;
        return 0;
}

/* key = value */
static int parse_member(struct parser *t, struct toml_value *table)
{
        struct toml_value *v = NULL;
        const char *key = NULL;
        bool more;
        int r;

        for (unsigned depth = 0;; depth++) {
                r = parse_key_part(t, &key, &more);
                if (r < 0 || !key)
                        return r;
                if (!more)
                        break;
                if (depth == MAX_DEPTH)
                        return fail(t, "too many tables in one another");
                r = dotted_step(t, &table, key);
                if (r < 0)
                        return r;
        }
        if (*t->p != '=')
                return fail(t, "expected \"=\"");
        t->p++;
        if (find_item(table, key))
                return fail(t, "the key is there already");
        r = add_item(t, table, key, &v);
        return r < 0 || !v ? r : parse_value(t, v);
}

/* Behind the opening brace. All in one line, and no comma before the end: TOML 1.0 wants it so. */
static int parse_inline_table(struct parser *t, struct toml_value *v)
{
        int r;

        v->type = TOML_TABLE;
        skip_blanks(t);
        if (*t->p == '}') {
                t->p++;
                return 0;
        }
        for (;;) {
                r = parse_member(t, v);
                if (r < 0)
                        return r;
                skip_blanks(t);
                if (*t->p != ',' && *t->p != '}')
                        return fail(t, "expected \",\" or \"}\"");
                if (*t->p++ == '}')
                        return 0;
        }
}

/* Behind the opening bracket. */
static int parse_array(struct parser *t, struct toml_value *v)
{
        struct toml_value *item = NULL;
        int r;

        v->type = TOML_ARRAY;
        for (;;) {
                r = skip_lines(t);
                if (r < 0)
                        return r;
                if (*t->p == ']')
                        break;
                r = add_item(t, v, NULL, &item);
                if (r == 0 && item)
                        r = parse_value(t, item);
                if (r == 0)
                        r = skip_lines(t);
                if (r < 0)
                        return r;
                if (*t->p != ',' && *t->p != ']')
                        return fail(t, "expected \",\" or \"]\"");
                t->p += *t->p == ',';
        }
        t->p++;
        return 0;
}

/* Digits with single underscores between them. */
static int parse_digits(struct parser *t, int base, uint64_t *ret)
{
        uint64_t value = 0;

        do {
                int digit = parse_digit(*t->p);

                if (digit >= base)
                        return fail(t, "expected a string, a whole number, true, false, \"[\" or \"{\"");
                if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
                    __builtin_add_overflow(value, (uint64_t)digit, &value))
                        return fail(t, "the number does not fit");
                t->p++;
                if (*t->p == '_' && parse_digit(t->p[1]) < base)
                        t->p++;
        } while (parse_digit(*t->p) < base);
        *ret = value;
        return 0;
}

static int parse_integer(struct parser *t, struct toml_value *v)
{
        bool sign = *t->p == '-' || *t->p == '+', negative = *t->p == '-';
        uint64_t magnitude = 0;
        int base = 10, r;

        t->p += sign;
        if (*t->p == '0' && t->p[1] && strchr("box", t->p[1]) && !sign) {
                base = t->p[1] == 'b' ? 2 : t->p[1] == 'o' ? 8 : 16;
                t->p += 2;
        } else if (*t->p == '0' && (parse_digit(t->p[1]) < 10 || t->p[1] == '_')) {
                return fail(t, "a number that begins with 0");
        }
        r = parse_digits(t, base, &magnitude);
        if (r < 0)
                return r;
        if (*t->p && strchr(".eE_:-", *t->p))
                return fail(t, "neither floats nor dates have a meaning here");
        if (magnitude > (uint64_t)INT64_MAX + negative)
                return fail(t, "the number does not fit");
        v->type = TOML_INTEGER;
        v->integer = (int64_t)(negative ? 0 - magnitude : magnitude);
        return 0;
}

static bool take_word(struct parser *t, const char *word)
{
        size_t n = strlen(word);

        if (strncmp(t->p, word, n) != 0)
                return false;
        t->p += n;
        return true;
}

static int parse_nested(struct parser *t, struct toml_value *v)
{
        int r;

        if (++t->depth > MAX_DEPTH)
                return fail(t, "too many values in one another");
        v->made = MADE_INLINE;
        r = *t->p++ == '[' ? parse_array(t, v) : parse_inline_table(t, v);
        t->depth--;
        return r;
}

static int parse_value(struct parser *t, struct toml_value *v)
{
        skip_blanks(t);
        if (*t->p == '[' || *t->p == '{')
                return parse_nested(t, v);
        if (*t->p == '"' || *t->p == '\'') {
                v->type = TOML_STRING;
                return parse_string(t, true, &v->string);
        }
        v->type = TOML_BOOLEAN;
        v->boolean = take_word(t, "true");
        if (v->boolean || take_word(t, "false"))
                return 0;
        return parse_integer(t, v);
}

static int parse_document(struct parser *t)
{
        struct toml_value *table = &t->doc->root;
        int r;

        for (;;) {
                r = skip_lines(t);
                if (r < 0 || !*t->p)
                        return r;
                r = *t->p == '[' ? parse_header(t, &table) : parse_member(t, table);
                if (r == 0)
                        r = end_line(t);
                if (r < 0)
                        return r;
        }
}

/* --- the document --- */

void toml_free(struct toml_value *root)
{
        struct toml_document *doc = (struct toml_document *)root;

        if (!doc)
                return;
        arena_finish(&doc->arena);
        free(doc);
}

int toml_parse(const char *text, size_t len, struct toml_value **ret_root, struct error *err)
{
        own_buf struct buf copy = {};
        struct parser t = { .line = 1, .err = err };
        int r;

        if (len > MAX_TEXT)
                return error_set(err, EINVAL, "the file is larger than %d bytes", MAX_TEXT);
        if (memchr(text, '\0', len))
                return error_set(err, EINVAL, "the file has a NUL byte");
        buf_add(&copy, text, len);
        t.doc = calloc(1, sizeof *t.doc);
        if (buf_failed(&copy) || !t.doc) {
                free(t.doc);
                return error_set(err, ENOMEM, "read TOML: out of memory");
        }
        t.p = buf_str(&copy);
        t.doc->root.type = TOML_TABLE;
        r = parse_document(&t);
        if (r < 0) {
                toml_free(&t.doc->root);
                return r;
        }
        *ret_root = &t.doc->root;
        return 0;
}
