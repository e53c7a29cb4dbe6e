/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "instance/detach_keys.h"

static void test_parse(void **state)
{
        static const char *const bad[] = {
                "ctrl-", "ctrl-A", "ctrl-p,", "x,,y", "enter", "ctrl-pq", "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a"
        };
        struct detach_keys k;
        struct error err;

        assert_int_equal(detach_keys_parse(NULL, &k, &err), 0);
        assert_int_equal(k.n, 2);
        assert_memory_equal(k.keys, "\20\21", 2);
        assert_int_equal(detach_keys_parse("", &k, &err), 0);
        assert_int_equal(k.n, 0);
        assert_int_equal(detach_keys_parse("a,ctrl-@,ctrl-[,ctrl-_,Z", &k, &err), 0);
        assert_int_equal(k.n, 5);
        assert_memory_equal(k.keys, "a\0\33\37Z", 5);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                if (detach_keys_parse(bad[i], &k, &err) != -EINVAL)
                        fail_msg("\"%s\" was taken", bad[i]);
        }
}

/* Typed byte by byte and at once; what goes on to the program. */
static void check(const char *keys, const char *typed, const char *want, bool detaches)
{
        for (size_t step = 1; step <= strlen(typed); step++) {
                unsigned char out[256];
                struct detach_keys k;
                size_t n = 0, more;
                bool detached = false;

                assert_int_equal(detach_keys_parse(keys, &k, NULL), 0);
                for (size_t at = 0; !detached && at < strlen(typed); at += step) {
                        size_t len = strlen(typed) - at < step ? strlen(typed) - at : step;

                        detached = detach_keys_filter(&k, typed + at, len, out + n, &more);
                        n += more;
                }
                assert_int_equal(detached, detaches);
                assert_int_equal(n, strlen(want));
                assert_memory_equal(out, want, n);
        }
}

static void test_filter(void **state)
{
        check(NULL, "hello", "hello", false);
        check(NULL, "ab\20\21cd", "ab", true);
        check(NULL, "a\20b\21c", "a\20b\21c", false);
        check(NULL, "\20\20\21", "\20", true);
        check("x", "abxc", "ab", true);
        check("", "\20\21", "\20\21", false);
        check("a,b,c", "abababc", "abab", true);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_filter) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
