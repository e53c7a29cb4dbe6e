/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>

#include "base/own.h"
#include "base/rfc3339.h"

static void test_times(void **state)
{
        static const struct {
                const char *text;
                int64_t seconds;
        } good[] = {
                { "1970-01-01T00:00:00Z", 0 },
                { "2024-05-06T07:08:09Z", 1714979289 },
                { "2024-05-06T07:08:09.123456789Z", 1714979289 },
                { "2024-05-06t09:08:09+02:00", 1714979289 },
                { "2024-05-06T01:38:09.5-05:30", 1714979289 },
                { "2000-02-29T23:59:60Z", 951868800 },
                { "0001-01-01T00:00:00Z", -62135596800 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                int64_t seconds = 1;

                assert_int_equal(rfc3339_parse(good[i].text, &seconds), 0);
                assert_true(seconds == good[i].seconds);
        }
}

static void test_what_is_none(void **state)
{
        static const char *const bad[] = {
                "",
                "now",
                "2024",
                "2024-05-06",
                "2024-05-06T07:08:09",
                "2024-05-06 07:08:09Z",
                "2024-13-06T07:08:09Z",
                "2023-02-29T07:08:09Z",
                "2024-05-06T24:00:00Z",
                "2024-05-06T07:60:09Z",
                "2024-05-06T07:08:09.Z",
                "2024-05-06T07:08:09Zx",
                "2024-05-06T07:08:09+2:00",
                "2024-05-06T07:08:09+24:00",
                "2024-05-06T07:08:09+02:00Z",
                "0000-05-06T07:08:09Z",
                "+024-05-06T07:08:09Z",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                int64_t seconds = 1;

                assert_int_equal(rfc3339_parse(bad[i], &seconds), -EINVAL);
                assert_true(seconds == 1);
        }
}

static void test_nanoseconds(void **state)
{
        static const struct {
                int64_t ns;
                const char *text;
        } times[] = {
                { 0, "1970-01-01T00:00:00Z" },
                { 1, "1970-01-01T00:00:00.000000001Z" },
                { 951782400000000000, "2000-02-29T00:00:00Z" },
                { 1714979289120000000, "2024-05-06T07:08:09.12Z" },
                { 1735689599999999999, "2024-12-31T23:59:59.999999999Z" },
                { 4102444800000000000, "2100-01-01T00:00:00Z" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
                char text[RFC3339_MAX];
                int64_t ns = -1;

                rfc3339_write(times[i].ns, text);
                assert_string_equal(text, times[i].text);
                assert_int_equal(rfc3339_parse_ns(text, &ns), 0);
                assert_true(ns == times[i].ns);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nanoseconds),
                cmocka_unit_test(test_times),
                cmocka_unit_test(test_what_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
