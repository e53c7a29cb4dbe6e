/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "net/network.h"

static void test_file(void **state)
{
        own_network struct network n = { .name = "back", .internal = true, .ipv6 = true, .created = 4711 }, again = {};
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        memset(n.id, 'a', NETWORK_ID_LEN);
        strcpy(n.interface, "holt-aaaaaaaaaa");
        assert_int_equal(subnet_parse("10.5.0.0/24", &n.v4.subnet, NULL), 0);
        assert_int_equal(subnet_parse("10.5.0.128/25", &n.v4.range, NULL), 0);
        assert_true(ip_parse("10.5.0.9", &n.v4.gateway));
        assert_int_equal(subnet_parse("fd05::/64", &n.v6.subnet, NULL), 0);
        assert_true(ip_parse("fd05::1", &n.v6.gateway));
        assert_int_equal(network_add_pair(&n, &n.labels, "one", "1"), 0);
        assert_int_equal(network_add_pair(&n, &n.labels, "two", ""), 0);
        assert_int_equal(network_add_pair(&n, &n.options, "mtu", "1400"), 0);
        network_write(&n, &w);
        assert_int_equal(network_read(buf_str(&text), text.len, &again, NULL), 0);
        assert_string_equal(again.name, "back");
        assert_string_equal(again.interface, n.interface);
        assert_true(again.internal && again.ipv6);
        assert_int_equal(again.created, 4711);
        assert_int_equal(again.mtu, 1400);
        assert_true(ip_equal(&again.v4.gateway, &n.v4.gateway));
        assert_int_equal(again.v4.range.bits, 25);
        assert_int_equal(again.v6.subnet.bits, 64);
        assert_string_equal(again.labels[1].key, "two");
        assert_null(again.labels[2].key);
}

static void test_options(void **state)
{
        static const struct {
                const char *key, *value;
                int result;
        } cases[] = {
                { "mtu", "1400", 0 },
                { "mtu", "67", -EINVAL },
                { "com.docker.network.bridge.name", "holt-x", 0 },
                { "com.docker.network.bridge.name", "br-x", -EINVAL },
                { "com.docker.network.bridge.name", "holt0123456789ab", -EINVAL },
                { "com.docker.network.bridge.enable_icc", "false", 0 },
                { "com.docker.network.bridge.enable_icc", "maybe", -EINVAL },
                { "com.docker.network.bridge.trusted_host_interfaces", "x", -EINVAL },
                { "somebody.elses", "x", 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                own_network struct network n = { .name = "n" };

                assert_int_equal(network_add_pair(&n, &n.options, cases[i].key, cases[i].value), 0);
                assert_int_equal(network_apply_options(&n, NULL), cases[i].result);
        }
}

static void test_broken(void **state)
{
        static const char *const bad[] = { "", "{}", "[]", "{\"id\":\"a\",\"name\":\"x\",\"interface\":\"holt0\"}" };
        struct network n;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(network_read(bad[i], strlen(bad[i]), &n, NULL), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_file),
                cmocka_unit_test(test_options),
                cmocka_unit_test(test_broken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
