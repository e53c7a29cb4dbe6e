/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rfc3339.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* As many digits as the pattern has '0's, other characters as they are; NULL if the text is not like that. */
static const char *take(const char *text, const char *pattern, int *values)
{
        bool in_number = false;

        values--;
        for (; *pattern; pattern++, text++) {
                if (*pattern != '0') {
                        if (*text != *pattern)
                                return NULL;
                        in_number = false;
                        continue;
                }
                if (*text < '0' || *text > '9')
                        return NULL;
                if (!in_number)
                        *++values = 0;
                in_number = true;
                *values = *values * 10 + (*text - '0');
        }
        return text;
}

static int days_of(int year, int month)
{
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        return days[month - 1] + (month == 2 && leap);
}

static bool is_valid(const int v[6])
{
        /* A leap second is the one that follows it. */
        return v[0] >= 1 && v[1] >= 1 && v[1] <= 12 && v[2] >= 1 && v[2] <= days_of(v[0], v[1]) && v[3] <= 23 &&
               v[4] <= 59 && v[5] <= 60;
}

static int parse_offset(const char *text, int *ret_seconds)
{
        int v[2], sign = *text == '-' ? -1 : 1;

        if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
                *ret_seconds = 0;
                return 0;
        }
        if (*text != '+' && *text != '-')
                return -EINVAL;
        text = take(text + 1, "00:00", v);
        if (!text || *text || v[0] > 23 || v[1] > 59)
                return -EINVAL;
        *ret_seconds = sign * (v[0] * 60 + v[1]) * 60;
        return 0;
}

/* The digits behind the point, as nanoseconds. */
static int64_t read_fraction(const char *digits, size_t n)
{
        int64_t ns = 0;

        for (size_t i = 0; i < 9; i++)
                ns = ns * 10 + (i < n ? digits[i] - '0' : 0);
        return ns;
}

static int parse(const char *text, int64_t *ret_seconds, int64_t *ret_fraction)
{
        struct tm tm = {};
        int v[6], offset = 0;
        size_t digits;

        *ret_fraction = 0;
        text = take(text, "0000-00-00", v);
        if (!text || (*text != 'T' && *text != 't'))
                return -EINVAL;
        text = take(text + 1, "00:00:00", v + 3);
        if (!text || !is_valid(v))
                return -EINVAL;
        if (*text == '.') {
                digits = strspn(text + 1, "0123456789");
                if (digits == 0)
                        return -EINVAL;
                *ret_fraction = read_fraction(text + 1, digits);
                text += 1 + digits;
        }
        if (parse_offset(text, &offset) < 0)
                return -EINVAL;
        tm.tm_year = v[0] - 1900;
        tm.tm_mon = v[1] - 1;
        tm.tm_mday = v[2];
        tm.tm_hour = v[3];
        tm.tm_min = v[4];
        tm.tm_sec = v[5];
        *ret_seconds = timegm(&tm) - offset;
        return 0;
}

int rfc3339_parse(const char *text, int64_t *ret)
{
        int64_t seconds, fraction;
        int r = parse(text, &seconds, &fraction);

        if (r == 0)
                *ret = seconds;
        return r;
}

int rfc3339_parse_ns(const char *text, int64_t *ret)
{
        int64_t seconds, fraction;
        int r = parse(text, &seconds, &fraction);

        if (r < 0)
                return r;
        if (__builtin_mul_overflow(seconds, 1000000000, &seconds) ||
            __builtin_add_overflow(seconds, fraction, &seconds))
                return -EINVAL;
        *ret = seconds;
        return 0;
}

/* Howard Hinnant's civil_from_days: the C library's gmtime() looks for time zones on the disk first. */
void rfc3339_write(int64_t ns, char ret[RFC3339_MAX])
{
        int64_t seconds = ns / 1000000000, days = seconds / 86400 + 719468, era = days / 146097;
        unsigned of_era = (unsigned)(days - era * 146097), of_day = (unsigned)(seconds % 86400);
        unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
        unsigned of_year = of_era - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
        unsigned month = m < 10 ? m + 3 : m - 9, day = of_year - (153 * m + 2) / 5 + 1;
        int n = snprintf(ret, RFC3339_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%09u",
                         (unsigned)(year + era * 400 + (month <= 2)), month, day, of_day / 3600, of_day / 60 % 60,
                         of_day % 60, (unsigned)(ns % 1000000000));

        while (ret[n - 1] == '0')
                n--;
        if (ret[n - 1] == '.')
                n--;
        ret[n] = 'Z';
        ret[n + 1] = '\0';
}
