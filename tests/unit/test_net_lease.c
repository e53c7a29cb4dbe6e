/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/lease.h"
#include "sys/fd.h"

static char dir[] = "/tmp/holt-lease.XXXXXX";
static const struct network_place place = { dir, dir };

static int set_up(void **state)
{
        strcpy(dir + strlen(dir) - 6, "XXXXXX");
        return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
        return fd_remove_tree_at(AT_FDCWD, dir);
}

static void live(const char *id)
{
        char path[128];

        snprintf(path, sizeof path, "%s/instances/%s", dir, id);
        assert_int_equal(fd_mkdir_all(path, 0700), 0);
}

static void die(const char *id)
{
        char path[128];

        snprintf(path, sizeof path, "%s/instances/%s", dir, id);
        assert_int_equal(rmdir(path), 0);
}

static struct network network(const char *subnet)
{
        struct network n = { .name = "net" };

        assert_int_equal(subnet_parse(subnet, &n.v4.subnet, NULL), 0);
        n.v4.gateway = subnet_address(&n.v4.subnet, 1);
        return n;
}

static void expect(const struct network *n, const char *id, const char *wanted, int result, const char *address)
{
        struct ip want = {}, got = {};
        struct error err;
        char text[IP_TEXT_MAX];

        if (*wanted)
                assert_true(ip_parse(wanted, &want));
        assert_int_equal(lease_take(&place, n, &n->v4, id, &want, &got, &err), result);
        assert_string_equal(ip_format(&got, text), address);
}

/* 10.5.0.0/29: the gateway is .1, the last is .7 */
static void test_in_turn(void **state)
{
        const struct network n = network("10.5.0.0/29");
        struct ip three = subnet_address(&n.v4.subnet, 3);

        live("a");
        live("b");
        expect(&n, "a", "", 0, "10.5.0.2");
        expect(&n, "b", "", 0, "10.5.0.3");
        expect(&n, "b", "", 0, "10.5.0.4");
        lease_give(&place, "net", &three, "a");
        lease_give(&place, "net", &three, "b");
        expect(&n, "b", "", 0, "10.5.0.5");
        expect(&n, "b", "", 0, "10.5.0.6");
        expect(&n, "b", "", 0, "10.5.0.3");
}

static void test_all_taken(void **state)
{
        const struct network n = network("10.5.0.0/30");
        size_t count;

        live("a");
        live("b");
        expect(&n, "a", "", 0, "10.5.0.2");
        expect(&n, "b", "", -EADDRNOTAVAIL, "");
        assert_int_equal(lease_count(&place, &n, &count, NULL), 0);
        assert_int_equal(count, 1);
        /* What was killed has no address. */
        die("a");
        expect(&n, "b", "", 0, "10.5.0.2");
}

static void test_wanted(void **state)
{
        const struct network n = network("10.5.0.0/29");

        live("a");
        live("b");
        expect(&n, "a", "10.5.0.5", 0, "10.5.0.5");
        expect(&n, "a", "10.5.0.5", 0, "10.5.0.5");
        expect(&n, "b", "10.5.0.5", -EADDRINUSE, "");
        expect(&n, "b", "10.5.0.1", -EINVAL, "");
        expect(&n, "b", "10.5.0.7", -EINVAL, "");
        expect(&n, "b", "10.5.0.0", -EINVAL, "");
        expect(&n, "b", "10.5.0.8", -EINVAL, "");
        die("a");
        expect(&n, "b", "10.5.0.5", 0, "10.5.0.5");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_in_turn, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_all_taken, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_wanted, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
