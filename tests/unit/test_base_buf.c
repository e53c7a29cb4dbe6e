/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

static void test_empty(void **state)
{
        own_buf struct buf b = {};

        assert_string_equal(buf_str(&b), "");
        assert_false(buf_failed(&b));
        buf_add(&b, NULL, 0);
        buf_add_str(&b, "");
        assert_int_equal(b.len, 0);
        buf_addf(&b, "%s", "");
        assert_string_equal(buf_str(&b), "");
        assert_int_equal(b.len, 0);
}

static void test_append(void **state)
{
        own_buf struct buf b = {};

        buf_add(&b, "a\0b", 3);
        buf_add_str(&b, "cd");
        buf_addf(&b, "%d-%s", 5, "e");
        assert_int_equal(b.len, 8);
        assert_memory_equal(b.data, "a\0bcd5-e", 9);
}

static void test_grows(void **state)
{
        own_buf struct buf b = {};
        char one[257];

        memset(one, 'x', sizeof one);
        for (int i = 0; i < 1000; i++)
                buf_add(&b, one, sizeof one);
        buf_addf(&b, "%0500d", 1);
        assert_false(buf_failed(&b));
        assert_int_equal(b.len, 257 * 1000 + 500);
        assert_int_equal(strlen(b.data), b.len);
        assert_true(b.cap > b.len);
}

/* Sizes around the first capacity: the NUL byte must always have room. */
static void test_boundary(void **state)
{
        char text[600];

        memset(text, 'y', sizeof text);
        for (size_t n = 250; n < 260; n++) {
                own_buf struct buf b = {};

                buf_add(&b, text, n);
                assert_true(b.cap > n);
                assert_int_equal(b.data[n], '\0');
                buf_addf(&b, "%.*s", (int)n, text);
                assert_int_equal(b.len, 2 * n);
                assert_int_equal(b.data[2 * n], '\0');
        }
}

static void test_too_large_fails_for_good(void **state)
{
        own_buf struct buf b = {};

        buf_add_str(&b, "kept");
        buf_add(&b, "x", SIZE_MAX / 2);
        assert_true(buf_failed(&b));
        assert_string_equal(buf_str(&b), "kept");
        buf_add_str(&b, "more");
        buf_addf(&b, "more");
        assert_string_equal(buf_str(&b), "kept");
}

static void test_finish_empties(void **state)
{
        struct buf b = {};

        buf_add_str(&b, "x");
        buf_finish(&b);
        assert_null(b.data);
        assert_int_equal(b.len, 0);
        buf_finish(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_append),
                cmocka_unit_test(test_grows),
                cmocka_unit_test(test_boundary),
                cmocka_unit_test(test_too_large_fails_for_good),
                cmocka_unit_test(test_finish_empties),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
