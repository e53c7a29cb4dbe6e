/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>

#include "base/own.h"
#include "base/parse.h"

static void test_u64(void **state)
{
        static const struct {
                const char *text;
                unsigned base;
                int result;
                uint64_t value;
        } cases[] = {
                { "0", 10, 0, 0 },
                { "007", 10, 0, 7 },
                { "18446744073709551615", 10, 0, UINT64_MAX },
                { "18446744073709551616", 10, -ERANGE, 0 },
                { "99999999999999999999999", 10, -ERANGE, 0 },
                { "ffFF", 16, 0, 0xffff },
                { "09afAF", 16, 0, 0x09afaf },
                { "/", 16, -EINVAL, 0 },
                { ":", 16, -EINVAL, 0 },
                { "@", 16, -EINVAL, 0 },
                { "G", 16, -EINVAL, 0 },
                { "`", 16, -EINVAL, 0 },
                { "ffffffffffffffff", 16, 0, UINT64_MAX },
                { "10000000000000000", 16, -ERANGE, 0 },
                { "0755", 8, 0, 0755 },
                { "8", 8, -EINVAL, 0 },
                { "a", 10, -EINVAL, 0 },
                { "g", 16, -EINVAL, 0 },
                { "", 10, -EINVAL, 0 },
                { " 1", 10, -EINVAL, 0 },
                { "1 ", 10, -EINVAL, 0 },
                { "+1", 10, -EINVAL, 0 },
                { "-1", 10, -EINVAL, 0 },
                { "0x1", 16, -EINVAL, 0 },
                { "1\n", 10, -EINVAL, 0 },
                { "1:", 10, -EINVAL, 0 },
                { "1.0", 10, -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t v = 4711;

                assert_int_equal(parse_u64(cases[i].text, cases[i].base, &v), cases[i].result);
                assert_int_equal(v, cases[i].result ? 4711 : cases[i].value);
        }
}

static void test_u32(void **state)
{
        uint32_t v = 5;

        assert_int_equal(parse_u32("4294967296", 10, &v), -ERANGE);
        assert_int_equal(parse_u32("", 10, &v), -EINVAL);
        assert_int_equal(v, 5);
        assert_int_equal(parse_u32("4294967295", 10, &v), 0);
        assert_int_equal(v, UINT32_MAX);
}

static void test_i64(void **state)
{
        int64_t v = 5;

        assert_int_equal(parse_i64("9223372036854775808", &v), -ERANGE);
        assert_int_equal(parse_i64("-9223372036854775809", &v), -ERANGE);
        assert_int_equal(parse_i64("-", &v), -EINVAL);
        assert_int_equal(parse_i64("--1", &v), -EINVAL);
        assert_int_equal(parse_i64("- 1", &v), -EINVAL);
        assert_int_equal(v, 5);
        assert_int_equal(parse_i64("9223372036854775807", &v), 0);
        assert_true(v == INT64_MAX);
        assert_int_equal(parse_i64("-9223372036854775808", &v), 0);
        assert_true(v == INT64_MIN);
        assert_int_equal(parse_i64("-0", &v), 0);
        assert_int_equal(v, 0);
}

static void test_size(void **state)
{
        static const struct {
                const char *text;
                int result;
                int64_t value;
        } cases[] = {
                { "0", 0, 0 },
                { "-1", 0, -1 },
                { "512", 0, 512 },
                { "512b", 0, 512 },
                { "1k", 0, 1 << 10 },
                { "1K", 0, 1 << 10 },
                { "512m", 0, 512 << 20 },
                { "1GB", 0, 1 << 30 },
                { "2GiB", 0, INT64_C(2) << 30 },
                { "3t", 0, INT64_C(3) << 40 },
                { "1p", 0, INT64_C(1) << 50 },
                { "8191p", 0, INT64_C(8191) << 50 },
                { "8192p", -ERANGE, 0 },
                { "9223372036854775807", 0, INT64_MAX },
                { "9223372036854775808", -ERANGE, 0 },
                { "", -EINVAL, 0 },
                { "m", -EINVAL, 0 },
                { "-2", -EINVAL, 0 },
                { "-1k", -EINVAL, 0 },
                { "1x", -EINVAL, 0 },
                { "1mm", -EINVAL, 0 },
                { "1mibi", -EINVAL, 0 },
                { "1 m", -EINVAL, 0 },
                { "1.5g", 0, INT64_C(3) << 29 },
                { "0.25GiB", 0, 1 << 28 },
                { "1.9999999999999999999999k", 0, 2047 },
                { "1.9", 0, 1 },
                { "8191.5p", 0, (INT64_C(8191) << 50) + (INT64_C(1) << 49) },
                { "9223372036854775807.5", 0, INT64_MAX },
                { ".5g", -EINVAL, 0 },
                { "1.g", -EINVAL, 0 },
                { "1.5.5g", -EINVAL, 0 },
                { "+1", -EINVAL, 0 },
                { "1\xc3", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int64_t v = 4711;

                assert_int_equal(parse_size(cases[i].text, &v), cases[i].result);
                assert_true(v == (cases[i].result ? 4711 : cases[i].value));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_u64),
                cmocka_unit_test(test_u32),
                cmocka_unit_test(test_i64),
                cmocka_unit_test(test_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
