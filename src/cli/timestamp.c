/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/timestamp.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/parse.h"
#include "base/rfc3339.h"
#include "cli/duration.h"
#include "cli/misuse.h"

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
