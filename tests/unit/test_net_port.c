/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>

#include "base/own.h"
#include "net/port.h"

static void expect(const char *text, size_t n, const char *host, uint16_t host_first, uint16_t host_last, uint16_t port,
                   uint8_t protocol)
{
        own_port_wishes struct port_wishes w = {};
        char address[IP_TEXT_MAX];

        assert_int_equal(port_wishes_add(&w, text, NULL), 0);
        assert_int_equal(w.n, n);
        assert_string_equal(ip_format(&w.v[0].host, address), host);
        assert_int_equal(w.v[0].host_first, host_first);
        assert_int_equal(w.v[0].host_last, host_last);
        assert_int_equal(w.v[0].port, port);
        assert_int_equal(w.v[0].protocol, protocol);
}

static void test_publish(void **state)
{
        expect("80", 1, "", 0, 0, 80, IPPROTO_TCP);
        expect("8080:80", 1, "", 8080, 8080, 80, IPPROTO_TCP);
        expect("8080:80/udp", 1, "", 8080, 8080, 80, IPPROTO_UDP);
        expect("127.0.0.1:8080:80/SCTP", 1, "127.0.0.1", 8080, 8080, 80, IPPROTO_SCTP);
        expect("127.0.0.1::80", 1, "127.0.0.1", 0, 0, 80, IPPROTO_TCP);
        expect("[fd00::1]:8080:80", 1, "fd00::1", 8080, 8080, 80, IPPROTO_TCP);
        expect("fd00::1:8080:80", 1, "fd00::1", 8080, 8080, 80, IPPROTO_TCP);
        expect("8000-8002:80-82", 3, "", 8000, 8000, 80, IPPROTO_TCP);
        expect("8000-8002:80", 1, "", 8000, 8002, 80, IPPROTO_TCP);
        expect("80-82", 3, "", 0, 0, 80, IPPROTO_TCP);
}

static void test_bad(void **state)
{
        static const char *const bad[] = { "",        "0",           "65536",       "80/",
                                           "80/icmp", "8080:",       "8080:80:90",  "8000-8001:80-82",
                                           "82-80",   "[fd00::1:80", "[fd00::1]80", "300.0.0.1:80:80",
                                           "-1:80",   "80 ",         "[::1]:80:80" };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                own_port_wishes struct port_wishes w = {};

                assert_int_equal(port_wishes_add(&w, bad[i], NULL), -EINVAL);
                assert_int_equal(w.n, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_publish), cmocka_unit_test(test_bad) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
