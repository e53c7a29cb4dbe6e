/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <fcntl.h>
#include <string.h>

#include "base/own.h"

static int is_open(int fd)
{
        return fcntl(fd, F_GETFD) >= 0;
}

static void test_fd_is_closed(void **state)
{
        int seen;

        {
                own_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

                seen = fd;
                assert_true(is_open(seen));
        }
        assert_false(is_open(seen));
}

static void test_fd_is_handed_on(void **state)
{
        int taken;

        {
                own_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

                taken = take_fd(&fd);
                assert_int_equal(fd, -1);
        }
        assert_true(is_open(taken));
        close(taken);
}

static void test_errno_survives(void **state)
{
        errno = ENOENT;
        {
                own_fd int none = -1, wrong = 1 << 20;
                own_mem char *text = strdup("x");
                own_dir DIR *dir = opendir("/");

                assert_int_equal(none, -1);
                assert_true(wrong > 0);
                assert_non_null(text);
                assert_non_null(dir);
                errno = ENOENT;
        }
        assert_int_equal(errno, ENOENT);
}

static void test_dir_is_closed(void **state)
{
        int fd;

        {
                own_dir DIR *dir = opendir("/");

                fd = dirfd(dir);
                assert_true(is_open(fd));
        }
        assert_false(is_open(fd));
}

static void test_pointer_is_handed_on(void **state)
{
        char *taken;

        {
                own_mem char *text = strdup("kept");

                taken = take_ptr(text);
                assert_null(text);
        }
        assert_string_equal(taken, "kept");
        free(taken);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fd_is_closed),         cmocka_unit_test(test_fd_is_handed_on),
                cmocka_unit_test(test_errno_survives),       cmocka_unit_test(test_dir_is_closed),
                cmocka_unit_test(test_pointer_is_handed_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
