/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rfc3339.h"

#include <errno.h>
#include <stdbool.h>
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

int rfc3339_parse(const char *text, int64_t *ret)
{
        struct tm tm = {};
        int v[6], offset = 0;
        size_t digits;

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
        *ret = timegm(&tm) - offset;
        return 0;
}
