/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template_verb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/utf8.h"

/* Room for 64 digits and what stands before them. */
enum { MAX_NUMBER = 80, MAX_PRECISION = 64, MAX_RUNE = 0x10ffff };

static size_t count_characters(const char *text, size_t len)
{
        size_t n = 0;

        for (size_t i = 0; i < len; i++)
                n += ((unsigned char)text[i] & 0xc0) != 0x80;
        return n;
}

static void fill(struct buf *out, char c, size_t n)
{
        char some[64];

        memset(some, c, sizeof some);
        for (; n > sizeof some; n -= sizeof some)
                buf_add(out, some, sizeof some);
        buf_add(out, some, n);
}

static void add_padded(struct buf *out, const struct template_verb *verb, const char *text, size_t len)
{
        size_t n = count_characters(text, len), width = verb->width > 0 ? (size_t)verb->width : 0;
        size_t more = width > n ? width - n : 0;

        if (!verb->minus)
                fill(out, verb->zero ? '0' : ' ', more);
        buf_add(out, text, len);
        if (verb->minus)
                fill(out, ' ', more);
}

/* The sign or prefix stays before the zeros. */
static void add_number(struct buf *out, const struct template_verb *verb, const char *lead, const char *digits)
{
        size_t len = strlen(digits), n_lead = strlen(lead), n = len + n_lead;
        size_t width = verb->width > 0 ? (size_t)verb->width : 0, more = width > n ? width - n : 0;
        bool zero = verb->zero && !verb->minus && verb->precision < 0;

        if (!verb->minus && !zero)
                fill(out, ' ', more);
        buf_add(out, lead, n_lead);
        if (zero)
                fill(out, '0', more);
        if (verb->precision > (int)len)
                fill(out, '0', (size_t)verb->precision - len);
        buf_add(out, digits, len);
        if (verb->minus)
                fill(out, ' ', more);
}

static void to_digits(uint64_t n, unsigned base, bool upper, char ret[MAX_NUMBER])
{
        const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
        char *at = ret + MAX_NUMBER - 1;

        *at = '\0';
        do
                *--at = digits[n % base];
        while (n /= base);
        memmove(ret, at, strlen(at) + 1);
}

static void add_wrong(struct buf *out, const struct template_verb *verb, const struct template_value *v,
                      const char *type)
{
        buf_addf(out, "%%!%c(%s=", verb->letter, type);
        template_value_print(out, v);
        buf_add_str(out, ")");
}

static void add_rune(struct buf *out, const struct template_verb *verb, const struct template_value *v)
{
        uint32_t c = v->negative || v->magnitude > MAX_RUNE || (v->magnitude >= 0xd800 && v->magnitude < 0xe000)
                             ? 0xfffd
                             : (uint32_t)v->magnitude;
        own_buf struct buf quoted = {};
        char text[8];
        size_t len = (size_t)(utf8_put(text, c) - text);

        if (verb->letter == 'c') {
                add_padded(out, verb, text, len);
                return;
        }
        template_quote(&quoted, text, len, '\'', verb->plus);
        add_padded(out, verb, buf_str(&quoted), quoted.len);
}

static void add_integer(struct buf *out, const struct template_verb *verb, const struct template_value *v)
{
        static const char letters[] = "vdboxX";
        static const unsigned bases[] = { 10, 10, 2, 8, 16, 16 };
        static const char *const prefixes[] = { "", "", "0b", "0", "0x", "0X" };
        const char *letter = strchr(letters, verb->letter);
        char digits[MAX_NUMBER], lead[8];

        if (verb->letter == 'c' || verb->letter == 'q') {
                add_rune(out, verb, v);
        } else if (verb->letter == 'U') {
                to_digits(v->magnitude, 16, true, digits);
                snprintf(lead, sizeof lead, "%sU+%.*s", v->negative ? "-" : "",
                         strlen(digits) < 4 ? (int)(4 - strlen(digits)) : 0, "0000");
                add_number(out, verb, lead, digits);
        } else if (!letter) {
                add_wrong(out, verb, v, "int");
        } else {
                to_digits(v->magnitude, bases[letter - letters], verb->letter == 'X', digits);
                snprintf(lead, sizeof lead, "%s%s",
                         v->negative   ? "-"
                         : verb->plus  ? "+"
                         : verb->space ? " "
                                       : "",
                         verb->sharp ? prefixes[letter - letters] : "");
                add_number(out, verb, lead, digits);
        }
}

static void add_real(struct buf *out, const struct template_verb *verb, const struct template_value *v)
{
        enum { SMALLEST = -4, LARGE = 6 };
        int precision = verb->precision > MAX_PRECISION ? MAX_PRECISION : verb->precision;
        struct template_verb padding = *verb;
        own_buf struct buf text = {};
        const char *digits;
        char c_format[] = "%.*g";

        if (!strchr("veEfFgG", verb->letter)) {
                add_wrong(out, verb, v, "float64");
                return;
        }
        if (strchr("vgG", verb->letter) && precision < 0) {
                template_real_print(&text, v->real, SMALLEST, LARGE);
                for (size_t i = 0; verb->letter == 'G' && i < text.len; i++) {
                        if (text.data[i] == 'e')
                                text.data[i] = 'E';
                }
        } else {
                if (verb->letter != 'v')
                        c_format[3] = verb->letter;
                buf_addf(&text, c_format, precision < 0 ? 6 : precision, v->real);
        }
        digits = buf_str(&text);
        padding.precision = -1;
        if (*digits == '-' || *digits == '+')
                add_number(out, &padding, *digits == '-' ? "-" : verb->plus ? "+" : "", digits + 1);
        else
                add_number(out, &padding, verb->plus ? "+" : verb->space ? " " : "", digits);
}

/* The bytes of so many characters. */
static size_t cut(const char *text, size_t len, int characters)
{
        for (size_t i = 0; i < len; i++) {
                if (((unsigned char)text[i] & 0xc0) != 0x80 && characters-- == 0)
                        return i;
        }
        return len;
}

static void add_hex(struct buf *out, const struct template_verb *verb, const char *text, size_t len)
{
        own_buf struct buf hex = {};

        for (size_t i = 0; i < len; i++) {
                if (verb->sharp && (i == 0 || verb->space))
                        buf_add_str(&hex, i                     ? (verb->letter == 'x' ? " 0x" : " 0X")
                                          : verb->letter == 'x' ? "0x"
                                                                : "0X");
                else if (verb->space && i)
                        buf_add_str(&hex, " ");
                buf_addf(&hex, verb->letter == 'x' ? "%02x" : "%02X", (unsigned char)text[i]);
        }
        add_padded(out, verb, buf_str(&hex), hex.len);
}

static void add_text(struct buf *out, const struct template_verb *verb, const struct template_value *v)
{
        own_buf struct buf quoted = {};
        size_t len = v->len;

        if (verb->precision >= 0 && strchr("vsq", verb->letter))
                len = cut(v->text, len, verb->precision);
        else if (verb->precision >= 0 && len > (size_t)verb->precision)
                len = (size_t)verb->precision;
        switch (verb->letter) {
        case 'v':
        case 's':
                add_padded(out, verb, v->text, len);
                return;
        case 'x':
        case 'X':
                add_hex(out, verb, v->text, len);
                return;
        case 'q':
                if (verb->sharp && !memchr(v->text, '`', len) && !memchr(v->text, '\n', len))
                        buf_addf(&quoted, "`%.*s`", (int)len, v->text);
                else
                        template_quote(&quoted, v->text, len, '"', verb->plus);
                add_padded(out, verb, buf_str(&quoted), quoted.len);
                return;
        default:
                add_wrong(out, verb, v, "string");
        }
}

static int add_list(struct buf *out, const struct template_verb *verb, const struct template_value *v)
{
        buf_add_str(out, "[");
        for (size_t i = 0; i < v->n; i++) {
                struct template_value item = template_value_item(v, i);

                buf_add_str(out, i ? " " : "");
                if (item.kind == VALUE_NULL)
                        template_value_print(out, &item);
                else if (template_verb_add(out, verb, &item) < 0)
                        return -ENOMEM;
        }
        buf_add_str(out, "]");
        return 0;
}

static int add_map(struct buf *out, const struct template_verb *verb, const struct template_value *v)
{
        own_mem struct json_object **members = NULL;

        if (template_map_sorted(v->json, &members) < 0)
                return -ENOMEM;
        buf_add_str(out, "map[");
        for (size_t i = 0; i < v->n; i++) {
                const char *name = json_key(members[i]);
                struct template_value key = template_value_of_text(name, strlen(name));
                struct template_value value = template_value_of_json(members[i]);

                buf_add_str(out, i ? " " : "");
                add_text(out, verb, &key);
                buf_add_str(out, ":");
                if (value.kind == VALUE_NULL)
                        template_value_print(out, &value);
                else if (template_verb_add(out, verb, &value) < 0)
                        return -ENOMEM;
        }
        buf_add_str(out, "]");
        return 0;
}

static void add_null(struct buf *out, const struct template_verb *verb, const struct template_value *v)
{
        own_buf struct buf text = {};

        if (verb->letter == 'v')
                template_value_print(&text, v);
        else
                buf_addf(&text, "%%!%c(<nil>)", verb->letter);
        add_padded(out, verb, buf_str(&text), text.len);
}

int template_verb_add(struct buf *out, const struct template_verb *verb, const struct template_value *v)
{
        switch (v->kind) {
        case VALUE_NONE:
        case VALUE_NULL:
                add_null(out, verb, v);
                break;
        case VALUE_BOOL:
                if (verb->letter == 'v' || verb->letter == 't')
                        add_padded(out, verb, v->truth ? "true" : "false", v->truth ? 4 : 5);
                else
                        add_wrong(out, verb, v, "bool");
                break;
        case VALUE_INTEGER:
                add_integer(out, verb, v);
                break;
        case VALUE_REAL:
                add_real(out, verb, v);
                break;
        case VALUE_TEXT:
                add_text(out, verb, v);
                break;
        case VALUE_LIST:
                return add_list(out, verb, v);
        case VALUE_MAP:
                return add_map(out, verb, v);
        }
        return buf_failed(out) ? -ENOMEM : 0;
}
