/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/timestamp.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"
#include "base/own.h"
#include "base/parse.h"
#include "base/rfc3339.h"
#include "cli/misuse.h"

#define NS_PER_SEC INT64_C(1000000000)

/* "Z", "+02:00" or nothing behind a time; -EINVAL when it is something else. */
static int read_zone(const char *text, int *ret_seconds)
{
        struct tm tm = {};
        const char *end;

        *ret_seconds = 0;
        if (!*text || strcmp(text, "Z") == 0)
                return 0;
        if (*text != '+' && *text != '-')
                return -EINVAL;
        end = strptime(text + 1, "%H:%M", &tm);
        if (!end || *end || end - text != 6)
                return -EINVAL;
        *ret_seconds = (tm.tm_hour * 60 + tm.tm_min) * (*text == '-' ? -60 : 60);
        return 0;
}

static int parse_time(const char *text, const char *format, int64_t *ret)
{
        struct tm tm = {};
        const char *end = strptime(text, format, &tm);
        int zone;

        if (!end)
                return -EINVAL;
        if (read_zone(end, &zone) < 0)
                return -EINVAL;
        *ret = timegm(&tm) - zone;
        return 0;
}

int timestamp_parse_any(const char *text, int64_t now, int64_t *ret, struct error *err)
{
        static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d" };
        uint64_t ns;

        if (parse_i64(text, ret) == 0 || rfc3339_parse(text, ret) == 0)
                return 0;
        if (duration_parse(text, &ns) == 0) {
                *ret = now - (int64_t)(ns / 1000000000);
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
                if (parse_time(text, formats[i], ret) == 0)
                        return 0;
        return error_set(err, EMISUSED, "\"%s\" is no time", text);
}

/* "123.5": nine digits count. */
static int parse_fraction(const char *text, int64_t *ret)
{
        size_t whole = strspn(text, "0123456789"), n = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
        char seconds[24], fraction[] = "000000000";
        int64_t s, ns;

        if (!whole || whole >= sizeof seconds || !n || text[whole + 1 + n])
                return -EINVAL;
        memcpy(seconds, text, whole);
        seconds[whole] = '\0';
        memcpy(fraction, text + whole + 1, n < 9 ? n : 9);
        if (parse_i64(seconds, &s) < 0 || parse_i64(fraction, &ns) < 0 || s >= INT64_MAX / NS_PER_SEC)
                return -EINVAL;
        *ret = s * NS_PER_SEC + ns;
        return 0;
}

int timestamp_parse_nano(const char *text, int64_t now, int64_t *ret, struct error *err)
{
        int64_t seconds;
        int r;

        if (parse_fraction(text, ret) == 0)
                return 0;
        r = timestamp_parse_any(text, now, &seconds, err);
        if (r == 0 && __builtin_mul_overflow(seconds, NS_PER_SEC, ret))
                r = error_set(err, EMISUSED, "\"%s\" is no time", text);
        return r;
}

void timestamp_rfc3339(int64_t t, char ret[TIMESTAMP_MAX])
{
        time_t seconds = t;
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || !strftime(ret, TIMESTAMP_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
                snprintf(ret, TIMESTAMP_MAX, "0001-01-01T00:00:00Z");
}

void timestamp_docker(int64_t t, char ret[TIMESTAMP_MAX])
{
        time_t seconds = t;
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || !strftime(ret, TIMESTAMP_MAX, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm))
                snprintf(ret, TIMESTAMP_MAX, "0001-01-01 00:00:00 +0000 UTC");
}

void timestamp_nano(int64_t ns, char ret[TIMESTAMP_MAX])
{
        time_t seconds = ns / NS_PER_SEC;
        char date[24], zone[8];
        struct tm tm;

        if (ns < 0 || !localtime_r(&seconds, &tm) || !strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm) ||
            !strftime(zone, sizeof zone, "%z", &tm)) {
                snprintf(ret, TIMESTAMP_MAX, "0001-01-01T00:00:00.000000000Z");
                return;
        }
        if (tm.tm_gmtoff == 0)
                snprintf(ret, TIMESTAMP_MAX, "%s.%09dZ", date, (int)(ns % NS_PER_SEC));
        else
                snprintf(ret, TIMESTAMP_MAX, "%s.%09d%.3s:%.2s", date, (int)(ns % NS_PER_SEC), zone, zone + 3);
}
