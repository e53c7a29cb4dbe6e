/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/pool_more.h"
#include "sys/fd.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char place[64];

static int setup(void **state)
{
        snprintf(place, sizeof(place), "/tmp/holt-pool.XXXXXX");
        return mkdtemp(place) ? 0 : -1;
}

static int teardown(void **state)
{
        return fd_remove_tree_at(AT_FDCWD, place);
}

static void test_burst(void **state)
{
        static const int64_t ms = 1000000, later = 10000 * ms * POOL_BURST_SECONDS;

        /* Whoever comes now and then finds one. */
        assert_int_equal(pool_wanted(place, KEY, later, 1), 1);
        assert_int_equal(pool_wanted(place, KEY, 2 * later, 1), 1);
        /* Of those at once also one that notes late is counted. */
        assert_int_equal(pool_wanted(place, KEY, 2 * later + 500 * ms, 1), 2);
        assert_int_equal(pool_wanted(place, KEY, 2 * later + 400 * ms, 1), 3);
        assert_int_equal(pool_wanted(place, KEY, 2 * later + 600 * ms, 1), 4);
        assert_int_equal(pool_wanted(place, KEY, 2 * later + 700 * ms, 1), POOL_BURST_MAX);
        assert_int_equal(pool_wanted(place, KEY, 2 * later + 700 * ms, 1), POOL_BURST_MAX);
        /* Of another kind there were none. */
        assert_int_equal(pool_wanted(place, OTHER, 2 * later + 700 * ms, 1), 1);
        assert_int_equal(pool_wanted(place, KEY, 2 * later + 800 * ms, 9), 9);
        assert_int_equal(pool_wanted(place, KEY, 3 * later, 2), 2);
        /* One that leaves several is one. */
        assert_int_equal(pool_wanted(place, KEY, 3 * later, 1), 1);
        assert_int_equal(pool_wanted(place, KEY, 3 * later + 1, 1), 2);
        assert_int_equal(pool_wanted("/no/such", KEY, 1, 3), 3);
}

static void test_next(void **state)
{
        int next, status, report[2];
        char byte = 0;

        assert_int_equal(pipe(report), 0);
        for (int told = 0; told < 2; told++) {
                if (pool_leave_next(&next))
                        _exit(write(report[1], "x", 1) == 1 ? 7 : 8);
                assert_true(next >= 0);
                if (told)
                        pool_tell_next(&next);
                else
                        close(take_fd(&next));
                assert_int_equal(next, -1);
                assert_true(wait(&status) > 0);
                assert_int_equal(WEXITSTATUS(status), told ? 7 : 0);
        }
        assert_int_equal(read(report[0], &byte, 1), 1);
        close(report[0]);
        close(report[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_burst, setup, teardown),
                cmocka_unit_test(test_next),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
