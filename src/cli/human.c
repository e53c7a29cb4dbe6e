/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"

void human_size(uint64_t bytes, int digits, char ret[HUMAN_SIZE_MAX])
{
        static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
        double value = (double)bytes;
        size_t i = 0;
        char number[HUMAN_SIZE_MAX];

        for (;;) {
                snprintf(number, sizeof number, "%.*g", digits, value);
                /* Rounding may have made a thousand of 999.9. */
                if ((value < 1000 && strtod(number, NULL) < 1000) || i + 1 == ARRAY_SIZE(units))
                        break;
                value /= 1000;
                i++;
        }
        snprintf(ret, HUMAN_SIZE_MAX, "%.20s%s", number, units[i]);
}

void human_binary_size(uint64_t bytes, char ret[HUMAN_SIZE_MAX])
{
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double value = (double)bytes;
        size_t i = 0;

        for (; value >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
                value /= 1024;
        snprintf(ret, HUMAN_SIZE_MAX, "%.4g%s", value, units[i]);
}

void human_duration(int64_t seconds, char ret[HUMAN_TIME_MAX])
{
        static const struct {
                int64_t below, unit; /* seconds */
                const char *name;
        } steps[] = {
                { 60, 1, "seconds" },
                { 3600, 60, "minutes" },
                { 172800, 3600, "hours" },       /* two days */
                { 1209600, 86400, "days" },      /* two weeks */
                { 5184000, 604800, "weeks" },    /* sixty days */
                { 63072000, 2592000, "months" }, /* two years; a month has thirty days */
                { INT64_MAX, 31536000, "years" },
        };
        size_t i = 0;

        if (seconds < 1)
                snprintf(ret, HUMAN_TIME_MAX, "Less than a second");
        else if (seconds == 1)
                snprintf(ret, HUMAN_TIME_MAX, "1 second");
        else if (seconds >= 60 && seconds < 120)
                snprintf(ret, HUMAN_TIME_MAX, "About a minute");
        else if (seconds >= 3600 && seconds < 5400)
                snprintf(ret, HUMAN_TIME_MAX, "About an hour");
        else {
                while (seconds >= steps[i].below && i + 1 < ARRAY_SIZE(steps))
                        i++;
                snprintf(ret, HUMAN_TIME_MAX, "%" PRId64 " %s",
                         (seconds + (steps[i].unit == 3600 ? 1800 : 0)) / steps[i].unit, steps[i].name);
        }
}
