/* SPDX-License-Identifier: Apache-2.0 */
/* Constants, as Go writes them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "cli/misuse.h"
#include "cli/template_parser.h"

enum { MAX_NUMBER = 64, MAX_RUNE = 0x10ffff };

/* n digits at p->at; false when there are not so many. */
static bool read_digits(struct template_parser *p, int n, unsigned base, uint32_t *ret)
{
        uint32_t value = 0;

        for (int i = 0; i < n; i++) {
                int digit = parse_digit(p->at[i]);

                if (digit < 0 || (unsigned)digit >= base)
                        return false;
                value = value * base + (uint32_t)digit;
        }
        p->at += n;
        *ret = value;
        return true;
}

/* \x41, \101, \u00e9, \U0001f600; p->at stands behind the backslash. */
static int read_code(struct template_parser *p, char **out)
{
        const char *begin = p->at - 1;
        uint32_t code = 0;
        bool byte = *p->at == 'x' || isdigit((unsigned char)*p->at), read;

        if (isdigit((unsigned char)*p->at)) {
                read = read_digits(p, 3, 8, &code) && code <= UINT8_MAX;
        } else {
                int n = *p->at == 'x' ? 2 : *p->at == 'u' ? 4 : 8;

                p->at++;
                read = read_digits(p, n, 16, &code);
        }
        if (!read || !code || code > MAX_RUNE || (code >= 0xd800 && code < 0xe000))
                return template_refuse(p, begin, "\"%.4s\" is not a character", begin);
        if (byte)
                *(*out)++ = (char)code;
        else
                *out = utf8_put(*out, code);
        return 0;
}

/* p->at stands behind the backslash. */
static int read_escape(struct template_parser *p, char quote, char **out)
{
        static const char letters[] = "abfnrtv\\", meanings[] = "\a\b\f\n\r\t\v\\";
        const char *found;

        if (*p->at && *p->at == quote) {
                *(*out)++ = *p->at++;
                return 0;
        }
        if (*p->at && strchr("xuU01234567", *p->at))
                return read_code(p, out);
        found = *p->at ? strchr(letters, *p->at) : NULL;
        if (!found)
                return template_refuse(p, p->at - 1, "unknown escape \"\\%.1s\"", p->at);
        *(*out)++ = meanings[found - letters];
        p->at++;
        return 0;
}

static int read_text(struct template_parser *p, struct template_value *ret)
{
        const char *begin = p->at;
        char quote = *p->at++, *text, *out;
        int r = 0;

        /* An escape is never shorter than what it means. */
        text = out = template_parser_alloc(p, strlen(p->at) + 1, 1);
        if (!text)
                return -p->err->code;
        while (r == 0 && *p->at && *p->at != quote && (*p->at != '\n' || quote == '`')) {
                if (*p->at == '\\' && quote != '`') {
                        p->at++;
                        r = read_escape(p, quote, &out);
                } else {
                        *out++ = *p->at++;
                }
        }
        if (r < 0)
                return r;
        if (*p->at != quote)
                return template_refuse(p, begin, "a string does not end");
        p->at++;
        *ret = template_value_of_text(text, (size_t)(out - text));
        return 0;
}

/* 'a' is a number. */
static int read_character(struct template_parser *p, struct template_value *ret)
{
        const char *begin = p->at;
        struct template_value text = {};
        size_t n;
        int r = read_text(p, &text);

        if (r < 0)
                return r;
        n = text.len ? utf8_length(text.text) : 0;
        if (!n || n != text.len)
                return template_refuse(p, begin, "one character has to stand between ' and '");
        *ret = template_value_of_size((unsigned char)*text.text & (n > 1 ? 0xffU >> (n + 1) : 0x7fU));
        for (size_t i = 1; i < n; i++)
                ret->magnitude = ret->magnitude << 6 | ((unsigned char)text.text[i] & 0x3f);
        return 0;
}

/* "1_000": without the "_"; 0 when it is too long. */
static size_t copy_number(const char *at, size_t len, char ret[MAX_NUMBER])
{
        size_t n = 0;

        for (size_t i = 0; i < len && n < MAX_NUMBER - 1; i++) {
                if (at[i] != '_')
                        ret[n++] = at[i];
        }
        ret[n] = '\0';
        return n < MAX_NUMBER - 1 ? n : 0;
}

static bool read_integer(const char *digits, uint64_t *ret)
{
        unsigned base = 10;

        if (digits[0] == '0' && digits[1]) {
                char c = (char)tolower((unsigned char)digits[1]);

                base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
                digits += isdigit((unsigned char)c) ? 1 : 2;
        }
        return parse_u64(digits, base, ret) == 0;
}

static bool read_real(const char *text, double *ret)
{
        char *end;

        /* strtod() also knows "0x1p4", "inf" and "nan". */
        if (text[strspn(text, "0123456789.eE+-")])
                return false;
        *ret = strtod(text, &end);
        return !*end && *ret < __DBL_MAX__;
}

static int read_number(struct template_parser *p, struct template_value *ret)
{
        const char *begin = p->at;
        bool negative = *p->at == '-', hex, is_real;
        char digits[MAX_NUMBER];
        size_t len;

        p->at += *p->at == '-' || *p->at == '+';
        hex = p->at[0] == '0' && (p->at[1] == 'x' || p->at[1] == 'X');
        for (len = 0; isalnum((unsigned char)p->at[len]) || (p->at[len] && strchr("._", p->at[len])) ||
                      (!hex && len && strchr("eE", p->at[len - 1]) && p->at[len] && strchr("+-", p->at[len]));
             len++)
                ;
        *ret = (struct template_value){ .kind = VALUE_INTEGER, .negative = negative };
        if (!copy_number(p->at, len, digits))
                return template_refuse(p, begin, "bad number \"%.*s\"", (int)(len > 40 ? 40 : len), begin);
        is_real = !hex && strpbrk(digits, ".eE");
        if (is_real)
                ret->kind = VALUE_REAL;
        if (is_real ? !read_real(digits, &ret->real) : !read_integer(digits, &ret->magnitude))
                return template_refuse(p, begin, "bad number \"%s%s\"", negative ? "-" : "", digits);
        if (is_real && negative)
                ret->real = -ret->real;
        if (!is_real && negative && ret->magnitude > (uint64_t)INT64_MAX + 1)
                return template_refuse(p, begin, "bad number \"-%s\"", digits);
        p->at += len;
        return 0;
}

int template_parse_literal(struct template_parser *p, struct template_value *ret)
{
        if (*p->at == '"' || *p->at == '`')
                return read_text(p, ret);
        return *p->at == '\'' ? read_character(p, ret) : read_number(p, ret);
}
