/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/own.h"
#include "cli/human.h"
#include "cli/misuse.h"
#include "cli/timestamp.h"

static void test_sizes(void **state)
{
        static const struct {
                uint64_t bytes;
                int digits;
                const char *text;
        } cases[] = {
                { 0, 3, "0B" },
                { 999, 3, "999B" },
                { 1000, 3, "1kB" },
                { 1234, 3, "1.23kB" },
                { 77839456, 3, "77.8MB" },
                { 124000000, 3, "124MB" },
                { 999999, 3, "1MB" },
                { 999999999, 3, "1GB" },
                { 1234567890, 4, "1.235GB" },
                { 1200000000, 4, "1.2GB" },
                { UINT64_MAX, 3, "18.4EB" },
        };
        char text[HUMAN_SIZE_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                human_size(cases[i].bytes, cases[i].digits, text);
                assert_string_equal(text, cases[i].text);
        }
}

static void test_durations(void **state)
{
        static const struct {
                int64_t seconds;
                const char *text;
        } cases[] = {
                { -5, "Less than a second" }, { 0, "Less than a second" }, { 1, "1 second" },
                { 59, "59 seconds" },         { 60, "About a minute" },    { 120, "2 minutes" },
                { 3599, "59 minutes" },       { 3600, "About an hour" },   { 5400, "2 hours" },
                { 47 * 3600, "47 hours" },    { 48 * 3600, "2 days" },     { 13 * 86400, "13 days" },
                { 14 * 86400, "2 weeks" },    { 59 * 86400, "8 weeks" },   { 60 * 86400, "2 months" },
                { 729 * 86400, "24 months" }, { 730 * 86400, "2 years" },  { INT64_MAX, "292471208677 years" },
        };
        char text[HUMAN_TIME_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                human_duration(cases[i].seconds, text);
                assert_string_equal(text, cases[i].text);
        }
}

static void test_timestamps(void **state)
{
        char text[TIMESTAMP_MAX];

        timestamp_rfc3339(1714564800, text);
        assert_string_equal(text, "2024-05-01T12:00:00Z");
        timestamp_docker(1714564800, text);
        assert_string_equal(text, "2024-05-01 12:00:00 +0000 UTC");
        timestamp_docker(INT64_MAX, text);
        assert_string_equal(text, "0001-01-01 00:00:00 +0000 UTC");
}

static void test_any_time(void **state)
{
        static const struct {
                const char *text;
                int64_t t;
        } cases[] = {
                { "1714564800", 1714564800 },
                { "1h", 1714561200 },
                { "2024-05-01", 1714521600 },
                { "2024-05-01T12:00", 1714564800 },
                { "2024-05-01T12", 1714564800 },
                { "2024-05-01T12:00:00", 1714564800 },
                { "2024-05-01T12:00:00Z", 1714564800 },
                { "2024-05-01T14:00:00.5+02:00", 1714564800 },
                { "2024-05-01T10:30-01:30", 1714564800 },
        };
        struct error err = {};
        int64_t t = 0;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(timestamp_parse_any(cases[i].text, 1714564800, &t, &err), 0);
                assert_int_equal(t, cases[i].t);
        }
        assert_int_equal(timestamp_parse_any("soon", 0, &t, &err), -EMISUSED);
        assert_string_equal(err.text, "\"soon\" is no time");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_durations),
                cmocka_unit_test(test_timestamps),
                cmocka_unit_test(test_any_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
