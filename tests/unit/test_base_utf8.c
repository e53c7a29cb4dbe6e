/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <string.h>

#include "base/own.h"
#include "base/utf8.h"

/* Every character there is comes back as one sequence; the surrogates are no characters. */
static void test_all_characters(void **state)
{
        for (uint32_t c = 1; c <= 0x10ffff; c++) {
                char text[5] = {};
                size_t n = (size_t)(utf8_put(text, c) - text);

                assert_int_equal(n, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
                assert_int_equal(utf8_length(text), c >= 0xd800 && c <= 0xdfff ? 0 : n);
                for (size_t cut = 1; cut < n; cut++) {
                        text[n - cut] = '\0';
                        assert_int_equal(utf8_length(text), 0);
                }
        }
}

static void test_malformed(void **state)
{
        static const char *const cases[] = {
                "\x80",
                "\xbf",
                "\xc0\xaf",
                "\xc1\xbf",
                "\xe0\x9f\xbf",
                "\xf0\x8f\xbf\xbf",
                "\xf4\x90\x80\x80",
                "\xf5\x80\x80\x80",
                "\xfe",
                "\xff",
                "\xc3\x28",
                "\xe2\x28\xa1",
                "\xe2\x82\x28",
                "\xf0\x90\x28\xbc",
                "\xf0\x90\x8d\x28",
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(utf8_length(cases[i]), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_characters),
                cmocka_unit_test(test_malformed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
