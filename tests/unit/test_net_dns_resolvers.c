/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <arpa/inet.h>
#include <string.h>

#include "net/dns_resolvers.h"

static void expect(const char *text, size_t n, const char *first)
{
        struct dns_resolvers r;
        char address[INET6_ADDRSTRLEN];

        dns_resolvers_parse(&r, text);
        assert_int_equal(r.n, n);
        if (r.v[0].address.ss_family == AF_INET)
                inet_ntop(AF_INET, &((struct sockaddr_in *)&r.v[0].address)->sin_addr, address, sizeof address);
        else
                inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&r.v[0].address)->sin6_addr, address, sizeof address);
        assert_string_equal(address, first);
}

static void test_parse(void **state)
{
        expect("", 1, "127.0.0.1");
        expect("nameserver 127.0.0.53\noptions edns0\n", 1, "127.0.0.53");
        expect("# nameserver 9.9.9.9\nnameserver\t 192.0.2.1 # x\nnameserver ::1", 2, "192.0.2.1");
        expect("nameserver fe80::1%lo\n", 1, "fe80::1");
        expect("nameserver x\nnameservers 1.2.3.4\nnameserver\n", 1, "127.0.0.1");
        expect("nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\n", 3, "1.1.1.1");
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
