/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

int parse_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return 99;
}

static int parse_digits(const char *s, size_t len, unsigned base, uint64_t *ret)
{
        uint64_t v = 0;

        if (!len)
                return -EINVAL;
        for (size_t i = 0; i < len; i++) {
                int d = parse_digit(s[i]);

                if (d >= (int)base)
                        return -EINVAL;
                if (__builtin_mul_overflow(v, (uint64_t)base, &v) || __builtin_add_overflow(v, (uint64_t)d, &v))
                        return -ERANGE;
        }
        *ret = v;
        return 0;
}

int parse_u64(const char *s, unsigned base, uint64_t *ret)
{
        return parse_digits(s, strlen(s), base, ret);
}

int parse_u32(const char *s, unsigned base, uint32_t *ret)
{
        uint64_t v;
        int r = parse_u64(s, base, &v);

        if (r < 0)
                return r;
        if (v > UINT32_MAX)
                return -ERANGE;
        *ret = (uint32_t)v;
        return 0;
}

int parse_i64(const char *s, int64_t *ret)
{
        int negative = *s == '-';
        uint64_t v;
        int r = parse_u64(s + negative, 10, &v);

        if (r < 0)
                return r;
        if (v > (uint64_t)INT64_MAX + (uint64_t)negative)
                return -ERANGE;
        *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
        return 0;
}

/* ".5" of a unit: as many bytes as its digits say, at most nine of which count. */
static uint64_t parse_fraction(const char *digits, size_t n, unsigned shift)
{
        unsigned __int128 v = 0;
        uint64_t scale = 1;

        for (size_t i = 0; i < n && i < 9; i++) {
                v = v * 10 + (unsigned)(digits[i] - '0');
                scale *= 10;
        }
        return (uint64_t)((v << shift) / scale);
}

int parse_size(const char *s, int64_t *ret)
{
        static const char units[] = "bkmgtp";
        size_t digits = strspn(s, "0123456789"), fraction = s[digits] == '.' ? strspn(s + digits + 1, "0123456789") : 0;
        const char *unit = s + digits + (fraction ? fraction + 1 : 0), *u;
        unsigned shift = 0;
        uint64_t v;
        int r;

        if (strcmp(s, "-1") == 0) {
                *ret = -1;
                return 0;
        }
        r = parse_digits(s, digits, 10, &v);
        if (r < 0)
                return r;
        if (*unit) {
                u = strchr(units, *unit | 0x20);
                if (!u || (unit[1] && strcasecmp(unit + 1, "b") != 0 && strcasecmp(unit + 1, "ib") != 0))
                        return -EINVAL;
                shift = 10 * (unsigned)(u - units);
        }
        /* A fraction, less than one of the unit, changes nothing in that. */
        if (v > (uint64_t)INT64_MAX >> shift)
                return -ERANGE;
        *ret = (int64_t)((v << shift) + parse_fraction(s + digits + 1, fraction, shift));
        return 0;
}
