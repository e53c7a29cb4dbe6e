/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

static void test_zeroed_and_aligned(void **state)
{
        struct arena a = {};

        for (size_t size = 1; size < 200; size++) {
                unsigned char *p = arena_alloc(&a, 3, size);

                assert_non_null(p);
                assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
                for (size_t i = 0; i < 3 * size; i++)
                        assert_int_equal(p[i], 0);
                memset(p, 0xff, 3 * size);
        }
        arena_finish(&a);
}

static void test_items_do_not_overlap(void **state)
{
        struct arena a = {};
        unsigned char *p[300];

        for (int i = 0; i < 300; i++) {
                p[i] = arena_alloc(&a, 1, 37);
                memset(p[i], i & 0xff, 37);
        }
        for (int i = 0; i < 300; i++) {
                for (int j = 0; j < 37; j++)
                        assert_int_equal(p[i][j], i & 0xff);
        }
        arena_finish(&a);
}

static void test_larger_than_a_chunk(void **state)
{
        struct arena a = {};
        char *small = arena_strdup(&a, "before"), *large = arena_alloc(&a, 100, 1000);

        assert_non_null(large);
        memset(large, 1, 100 * 1000);
        assert_string_equal(small, "before");
        assert_string_equal(arena_strdup(&a, "after"), "after");
        arena_finish(&a);
}

static void test_nothing_is_something(void **state)
{
        struct arena a = {};

        assert_non_null(arena_alloc(&a, 0, 8));
        assert_string_equal(arena_strdup(&a, ""), "");
        arena_finish(&a);
}

static void test_overflow(void **state)
{
        struct arena a = {};

        assert_null(arena_alloc(&a, SIZE_MAX, 2));
        assert_null(arena_alloc(&a, SIZE_MAX / 2 + 2, 1));
        assert_null(arena_alloc(&a, SIZE_MAX - 3, 1));
        arena_finish(&a);
}

static void test_used_again(void **state)
{
        struct arena a = {};

        arena_strdup(&a, "x");
        arena_finish(&a);
        assert_null(a.chunks);
        assert_string_equal(arena_strdup(&a, "y"), "y");
        arena_finish(&a);
        arena_finish(&a);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_zeroed_and_aligned),
                cmocka_unit_test(test_items_do_not_overlap),
                cmocka_unit_test(test_larger_than_a_chunk),
                cmocka_unit_test(test_nothing_is_something),
                cmocka_unit_test(test_overflow),
                cmocka_unit_test(test_used_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
