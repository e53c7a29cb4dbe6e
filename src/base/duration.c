/* SPDX-License-Identifier: Apache-2.0 */
#include "base/duration.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/own.h"

static const struct {
        char name[3];
        uint64_t ns;
} units[] = {
        /* "ms" before "m": the first that fits is taken */
        { "ns", 1 },
        { "us", 1000 },
        { "ms", 1000000 },
        { "s", 1000000000 },
        { "m", 60 * 1000000000ULL },
        { "h", 3600 * 1000000000ULL },
};

static size_t match_unit(const char *text, uint64_t *ret_ns)
{
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                size_t len = strlen(units[i].name);

                if (strncmp(text, units[i].name, len) == 0) {
                        *ret_ns = units[i].ns;
                        return len;
                }
        }
        return 0;
}

/* Digits as a number; more than 18 do not fit. */
static int read_digits(const char **text, uint64_t *ret, size_t *ret_digits)
{
        uint64_t v = 0;
        size_t n = 0;

        for (; **text >= '0' && **text <= '9'; (*text)++, n++)
                v = v * 10 + (uint64_t)(**text - '0');
        if (n > 18)
                return -EINVAL;
        *ret = v;
        *ret_digits = n;
        return 0;
}

/* One number with its unit, in nanoseconds; moves *text behind it. */
static int read_part(const char **text, uint64_t *ret)
{
        uint64_t whole, fraction = 0, scale, unit, ns;
        size_t digits, fraction_digits = 0, len;

        if (read_digits(text, &whole, &digits) < 0)
                return -EINVAL;
        if (**text == '.') {
                (*text)++;
                if (read_digits(text, &fraction, &fraction_digits) < 0)
                        return -EINVAL;
        }
        len = match_unit(*text, &unit);
        if (!len || digits + fraction_digits == 0)
                return -EINVAL;
        *text += len;
        if (__builtin_mul_overflow(whole, unit, &ns))
                return -EINVAL;
        for (scale = 1; fraction_digits; fraction_digits--)
                scale *= 10;
        *ret = ns + (uint64_t)((unsigned __int128)fraction * unit / scale);
        return 0;
}

int duration_parse(const char *text, uint64_t *ret_ns)
{
        uint64_t total = 0, part;

        if (!*text)
                return -EINVAL;
        while (*text)
                if (read_part(&text, &part) < 0 || __builtin_add_overflow(total, part, &total))
                        return -EINVAL;
        *ret_ns = total;
        return 0;
}
