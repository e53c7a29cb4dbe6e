/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "instance/stats_container.h"

static void test_network(void **state)
{
        char text[] = "Inter-|   Receive                                                |  Transmit\n"
                      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop\n"
                      "    lo:  100       1    0    0    0     0          0         0      100       1    0    0\n"
                      "  eth0: 1000      10    0    0    0     0          0         0     2000      20    0    0\n"
                      "a-long.name:18446744073709551000 10 0 0 0 0 0 0 5 20 0 0\n"
                      "  eth1: 7 10 0 0\n"
                      "  eth2: x 10 0 0 0 0 0 0 5 20 0 0\n"
                      "  eth3: 7 10 0 0 0 0 0 0 5";
        uint64_t in = 0, out = 0;

        stats_add_network(text, &in, &out);
        assert_true(in == UINT64_C(18446744073709551000) + 1000);
        assert_int_equal(out, 2005);
}

static void test_none(void **state)
{
        struct instance_stats s;
        struct error err;

        assert_int_equal(stats_container("/tmp/holt-that-is-not-there", "abc", &s, &err), -ESRCH);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_network),
                cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
