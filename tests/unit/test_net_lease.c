/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

        live("a");
        live("b");
        expect(&n, "a", "", 0, "10.5.0.2");
        expect(&n, "b", "", -EADDRNOTAVAIL, "");
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

enum { TAKERS = 6, ROUNDS = 150 };

/* A child's exit status: 1 when it got the only address. They begin together, at the end of the pipe. */
static pid_t begin_taking(const struct network *n, const int *gate, const char *id)
{
        struct ip got;
        struct error err;
        pid_t pid = fork();
        char byte;

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        close(gate[1]);
        (void)!read(gate[0], &byte, 1);
        _exit(lease_take(&place, n, &n->v4, id, &(struct ip){}, &got, &err) == 0);
}

static int race(const struct network *n)
{
        pid_t pids[TAKERS];
        int gate[2], winners = 0, status;
        char id[8];

        assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
        for (int i = 0; i < TAKERS; i++) {
                snprintf(id, sizeof id, "t%d", i);
                pids[i] = begin_taking(n, gate, id);
        }
        close(gate[0]);
        close(gate[1]);
        for (int i = 0; i < TAKERS; i++) {
                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                winners += WEXITSTATUS(status);
        }
        return winners;
}

/* Several find that the address is nobody's any more: one of them gets it. */
static void test_dead_at_once(void **state)
{
        const struct network n = network("10.5.0.0/30");
        char id[8];

        for (int i = 0; i < TAKERS; i++) {
                snprintf(id, sizeof id, "t%d", i);
                live(id);
        }
        for (int i = 0; i < ROUNDS; i++) {
                live("dead");
                expect(&n, "dead", "", 0, "10.5.0.2");
                die("dead");
                assert_int_equal(race(&n), 1);
                lease_forget_network(&place, "net");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_in_turn, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_all_taken, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_wanted, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_dead_at_once, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
