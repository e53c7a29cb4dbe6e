/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "net/address.h"

static struct subnet subnet(const char *text)
{
        struct subnet s;

        assert_int_equal(subnet_parse(text, &s, NULL), 0);
        return s;
}

static struct ip ip(const char *text)
{
        struct ip a;

        assert_true(ip_parse(text, &a));
        return a;
}

static void test_parse(void **state)
{
        static const char *const bad[] = { "",   "10.0.0.0", "10.0.0.0/",   "10.0.0.0/33", "10.0.0/8",
                                           "/8", "::/129",   "10.0.0.0/8x", "10.0.0.0/-1", "10.0.0.0/+8" };
        char text[SUBNET_TEXT_MAX];
        struct subnet s = subnet("10.5.6.7/20");

        assert_string_equal(subnet_format(&s, text), "10.5.0.0/20");
        s = subnet("fd00:1:2:3:4::/63");
        assert_string_equal(subnet_format(&s, text), "fd00:1:2:2::/63");
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(subnet_parse(bad[i], &s, NULL), -EINVAL);
}

static void test_within(void **state)
{
        const struct subnet large = subnet("10.112.0.0/12"), small = subnet("10.113.16.0/20");
        const struct ip inside = ip("10.113.17.9"), outside = ip("10.113.32.0"), other = ip("fd00::1");

        assert_true(subnet_contains(&small, &inside));
        assert_false(subnet_contains(&small, &outside));
        assert_false(subnet_contains(&small, &other));
        assert_true(subnet_overlaps(&large, &small));
        assert_true(subnet_overlaps(&small, &large));
        assert_false(subnet_overlaps(&small, &(struct subnet){ subnet("10.113.32.0/20").ip, 20 }));
}

static void test_numbers(void **state)
{
        const struct subnet v4 = subnet("10.112.0.0/16"), v6 = subnet("fd00::/64");
        struct ip a = subnet_address(&v4, 0x1234), b = subnet_address(&v6, 0x12345678);
        const struct ip far = ip("fd00::1:0:0:1");
        char text[IP_TEXT_MAX];

        assert_string_equal(ip_format(&a, text), "10.112.18.52");
        assert_int_equal(subnet_index(&v4, &a), 0x1234);
        assert_string_equal(ip_format(&b, text), "fd00::1234:5678");
        assert_int_equal(subnet_index(&v6, &b), 0x12345678);
        assert_true(subnet_index(&v6, &far) == UINT64_MAX);
        assert_int_equal(subnet_size(&v4), 65536);
        assert_true(subnet_size(&v6) == 1ULL << 32);
}

static void test_mac(void **state)
{
        static const char *const bad[] = { "",
                                           "02:42",
                                           "02:42:0a:70:00:0g",
                                           "02:42:0a:70:00:02:",
                                           "01:42:0a:70:00:02",
                                           "00:00:00:00:00:00",
                                           "0242.0a70.0002" };
        const struct ip a = ip("10.112.0.2");
        uint8_t mac[MAC_SIZE], again[MAC_SIZE];
        char text[MAC_TEXT_MAX];

        mac_of_address(&a, mac);
        assert_string_equal(mac_format(mac, text), "02:42:0a:70:00:02");
        assert_true(mac_parse("02:42:0A:70:00:02", again));
        assert_memory_equal(mac, again, MAC_SIZE);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(mac_parse(bad[i], again));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_within),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_mac),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
