/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void test_set(void **state)
{
        struct error err = {};

        assert_int_equal(error_set(&err, EINVAL, "member %d", 7), -EINVAL);
        assert_int_equal(err.code, EINVAL);
        assert_string_equal(err.text, "member 7");
}

static void test_errno_appends_its_text(void **state)
{
        struct error err = {};

        assert_int_equal(error_errno(&err, EPERM, "mount %s", "/proc"), -EPERM);
        assert_int_equal(err.code, EPERM);
        assert_string_equal(err.text, "mount /proc: Operation not permitted");
}

static void test_wrap_keeps_the_code(void **state)
{
        struct error err = {};

        error_errno(&err, ENOENT, "open");
        assert_int_equal(error_wrap(&err, "start %s", "web"), -ENOENT);
        assert_int_equal(err.code, ENOENT);
        assert_string_equal(err.text, "start web: open: No such file or directory");
}

static void test_nobody_wants_it(void **state)
{
        assert_int_equal(error_set(NULL, EINVAL, "x"), -EINVAL);
        assert_int_equal(error_errno(NULL, ENOENT, "x"), -ENOENT);
        assert_true(error_wrap(NULL, "x") < 0);
}

static void test_long_text_is_cut(void **state)
{
        struct error err = {};
        char text[1000];

        memset(text, 'a', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        assert_int_equal(error_errno(&err, EIO, "%s", text), -EIO);
        assert_int_equal(strlen(err.text), sizeof err.text - 1);
        assert_int_equal(error_wrap(&err, "%s", text), -EIO);
        assert_int_equal(strlen(err.text), sizeof err.text - 1);
        error_set(&err, EIO, "end");
        error_wrap(&err, "%.505s", text);
        assert_int_equal(strlen(err.text), sizeof err.text - 1);
        assert_int_equal(err.text[504], 'a');
        assert_int_equal(err.text[505], ':');
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_set),
                cmocka_unit_test(test_errno_appends_its_text),
                cmocka_unit_test(test_wrap_keeps_the_code),
                cmocka_unit_test(test_nobody_wants_it),
                cmocka_unit_test(test_long_text_is_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
