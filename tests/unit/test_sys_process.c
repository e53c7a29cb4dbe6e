/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/process.h"

static void test_stat(void **state)
{
        static const char *const names[] = { "plain", "a b", ") R 1", "((", ")" };
        uint64_t start_time, first = 0;
        char what;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                assert_int_equal(prctl(PR_SET_NAME, names[i]), 0);
                assert_int_equal(process_stat(getpid(), &start_time, &what), 0);
                assert_int_equal(what, 'R');
                assert_true(start_time > 0 && (!first || start_time == first));
                first = start_time;
        }
}

/* The 20th word behind the name's last parenthesis. */
static void test_start_time(void **state)
{
        uint64_t start_time;
        char text[512], what;
        FILE *words = popen("sed 's/.*) //' /proc/$PPID/stat | cut -d ' ' -f 20", "re");

        assert_non_null(words);
        assert_non_null(fgets(text, sizeof text, words));
        assert_int_equal(pclose(words), 0);
        assert_int_equal(process_stat(getpid(), &start_time, &what), 0);
        assert_int_equal(strtoull(text, NULL, 10), start_time);
}

static void test_nobody(void **state)
{
        uint64_t start_time = 7;
        char what = 'x';

        assert_int_equal(process_stat(1 << 30, &start_time, &what), -ESRCH);
        assert_int_equal(start_time, 7);
        assert_int_equal(what, 'x');
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stat),
                cmocka_unit_test(test_start_time),
                cmocka_unit_test(test_nobody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
