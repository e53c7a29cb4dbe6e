/* SPDX-License-Identifier: Apache-2.0 */
/* GVariant's text form, as far as it says values of unit properties: strings, numbers, booleans and arrays of them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/properties.h"
#include "sys/dbus.h"

#define PREFIX "org.systemd.property."

enum { MIN_NAME = 3, MAX_TEXT = 4096, MAX_SIGNATURE = 255, USEC_PER_SEC = 1000000 };

static const struct {
        const char *word;
        char type;
} type_words[] = {
        { "boolean", 'b' }, { "byte", 'y' },   { "int16", 'n' },      { "uint16", 'q' },
        { "int32", 'i' },   { "uint32", 'u' }, { "int64", 'x' },      { "uint64", 't' },
        { "double", 'd' },  { "string", 's' }, { "objectpath", 'o' }, { "signature", 'g' },
};

struct scalar {
        char type;
        bool boolean;
        int64_t i;  /* n, i, x */
        uint64_t u; /* y, q, u, t */
        double d;
        char text[MAX_TEXT];
};

static const char *skip_blanks(const char *s)
{
        return s + strspn(s, " \t\n");
}

/* A type before a value: "uint64 ...", "@t ...", "@as ...". 0 when there is none. */
static char take_type(const char **s, bool *ret_array)
{
        const char *p = skip_blanks(*s);

        if (*p == '@') {
                bool array = p[1] == 'a';
                char type = p[1 + array];

                if (!type || !strchr("bynqiuxtdsog", type) || !isspace((unsigned char)p[2 + array]))
                        return 0;
                *ret_array = array;
                *s = skip_blanks(p + 2 + array);
                return type;
        }
        for (size_t i = 0; i < ARRAY_SIZE(type_words); i++) {
                size_t len = strlen(type_words[i].word);

                if (strncmp(p, type_words[i].word, len) == 0 && isspace((unsigned char)p[len])) {
                        *s = skip_blanks(p + len);
                        return type_words[i].type;
                }
        }
        return 0;
}

static bool take_quoted(const char **s, struct scalar *ret)
{
        const char quote = **s, *p = *s + 1;
        size_t n = 0;

        for (; *p && *p != quote; p++) {
                if (*p == '\\' && p[1])
                        p++;
                if (n + 1 >= sizeof ret->text)
                        return false;
                ret->text[n++] = *p;
        }
        ret->text[n] = '\0';
        *s = p + (*p == quote);
        return *p == quote;
}

static bool in_range(struct scalar *v)
{
        switch (v->type) {
        case 'y':
                return v->u <= UINT8_MAX;
        case 'q':
                return v->u <= UINT16_MAX;
        case 'u':
                return v->u <= UINT32_MAX;
        case 'n':
                return v->i >= INT16_MIN && v->i <= INT16_MAX;
        case 'i':
                return v->i >= INT32_MIN && v->i <= INT32_MAX;
        default:
                return true;
        }
}

static bool parse_word(const char *word, struct scalar *v)
{
        char *end;

        if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
                v->boolean = word[0] == 't';
                if (!v->type)
                        v->type = 'b';
                return v->type == 'b';
        }
        if (!v->type)
                v->type = strpbrk(word, ".eE") ? 'd' : 'i';
        if (v->type == 'd') {
                v->d = strtod(word, &end);
                return end != word && !*end;
        }
        if (strchr("nix", v->type))
                return parse_i64(word, &v->i) == 0 && in_range(v);
        return strchr("yqut", v->type) && parse_u64(word, 10, &v->u) == 0 && in_range(v);
}

/* One value of the given type; 0: of whatever type it looks like. */
static bool take_scalar(const char **s, char type, struct scalar *ret)
{
        char word[64];
        size_t len;

        *s = skip_blanks(*s);
        ret->type = type;
        if (**s == '\'' || **s == '"') {
                if (!type)
                        ret->type = 's';
                return strchr("sog", ret->type) && take_quoted(s, ret) &&
                       (ret->type != 'g' || strlen(ret->text) <= MAX_SIGNATURE);
        }
        len = strcspn(*s, " \t\n,]");
        if (!len || len >= sizeof word)
                return false;
        memcpy(word, *s, len);
        word[len] = '\0';
        *s += len;
        return parse_word(word, ret);
}

static void add_scalar(struct buf *b, const struct scalar *v)
{
        switch (v->type) {
        case 'b':
                dbus_add_bool(b, v->boolean);
                break;
        case 'y':
                dbus_add_byte(b, (uint8_t)v->u);
                break;
        case 'n':
                dbus_add_u16(b, (uint16_t)v->i);
                break;
        case 'q':
                dbus_add_u16(b, (uint16_t)v->u);
                break;
        case 'i':
                dbus_add_u32(b, (uint32_t)v->i);
                break;
        case 'u':
                dbus_add_u32(b, (uint32_t)v->u);
                break;
        case 'x':
                dbus_add_u64(b, (uint64_t)v->i);
                break;
        case 't':
                dbus_add_u64(b, v->u);
                break;
        case 'd':
                dbus_add_double(b, v->d);
                break;
        case 'g':
                dbus_add_signature(b, v->text);
                break;
        default:
                dbus_add_string(b, v->text);
                break;
        }
}

static size_t alignment(char type)
{
        return strchr("xtd", type) ? 8 : strchr("nq", type) ? 2 : strchr("yg", type) ? 1 : 4;
}

/* "['a', 'b']" after its type, if it had one; the elements go to a buffer of their own, where positions start anew. */
static bool take_array(const char **s, char *type, struct buf *elements)
{
        const char *p = skip_blanks(*s + 1);
        struct scalar v = {};

        if (*p == ']') {
                *s = p + 1;
                return *type;
        }
        do {
                if (!take_scalar(&p, *type, &v))
                        return false;
                *type = v.type;
                add_scalar(elements, &v);
                p = skip_blanks(p);
        } while (*p++ == ',');
        *s = p;
        return p[-1] == ']';
}

/* Seconds to microseconds. */
static bool to_usec(struct scalar *v)
{
        if (strchr("nix", v->type) && v->i >= 0)
                v->u = (uint64_t)v->i;
        else if (v->type == 'd' && v->d >= 0 && v->d < (double)UINT64_MAX / USEC_PER_SEC)
                v->u = (uint64_t)(v->d * USEC_PER_SEC);
        else if (!strchr("yqut", v->type))
                return false;
        if (v->type != 'd' && __builtin_mul_overflow(v->u, (uint64_t)USEC_PER_SEC, &v->u))
                return false;
        v->type = 't';
        return true;
}

/* Writes the signature and the value of the variant. */
static bool add_variant(struct buf *b, const char *text, bool seconds)
{
        own_buf struct buf elements = {};
        char signature[3] = "", type;
        bool array = false;
        struct scalar v;

        type = take_type(&text, &array);
        text = skip_blanks(text);
        if (*text == '[' && !seconds && (array || !type)) {
                struct dbus_array a;

                if (!take_array(&text, &type, &elements) || *skip_blanks(text))
                        return false;
                signature[0] = 'a';
                signature[1] = type;
                dbus_add_signature(b, signature);
                a = dbus_begin_array(b, alignment(type));
                buf_add(b, elements.data, elements.len);
                dbus_end_array(b, a);
                return true;
        }
        if (array || !take_scalar(&text, type, &v) || *skip_blanks(text) || (seconds && !to_usec(&v)))
                return false;
        signature[0] = v.type;
        dbus_add_signature(b, signature);
        add_scalar(b, &v);
        return true;
}

int property_add_annotation(struct buf *b, const struct str_pair *annotation, struct error *err)
{
        const char *name = annotation->key;
        size_t len, prefix = strlen(PREFIX);
        char property[256];
        bool seconds;

        if (strncmp(name, PREFIX, prefix) != 0)
                return 0;
        name += prefix;
        len = strlen(name);
        if (len < MIN_NAME || len + 2 >= sizeof property ||
            strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != len)
                return error_set(err, EINVAL, "annotation %s: incorrect property name", annotation->key);
        seconds = len > 3 && strcmp(name + len - 3, "Sec") == 0 && islower((unsigned char)name[len - 4]);
        memcpy(property, name, len + 1);
        if (seconds)
                memcpy(property + len - 3, "USec", 5);
        dbus_begin_struct(b);
        dbus_add_string(b, property);
        if (!add_variant(b, annotation->value, seconds))
                return error_set(err, EINVAL, "annotation %s=%s: value parse error", annotation->key,
                                 annotation->value);
        return 0;
}
