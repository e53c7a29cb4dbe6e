/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "net/dns_message.h"

static const uint8_t query[] = { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'W', 'e', 'b', 0, 0, 1, 0, 1 };

static void test_question(void **state)
{
        struct dns_question q;
        uint8_t other[sizeof query];

        assert_int_equal(dns_question_read(query, sizeof query, &q), DNS_OK);
        assert_string_equal(q.name, "web");
        assert_int_equal(q.type, DNS_A);
        assert_int_equal(q.end, sizeof query);
        assert_int_equal(q.udp_size, DNS_UDP_SIZE);
        for (size_t len = 0; len < DNS_HEADER_SIZE; len++)
                assert_true(dns_question_read(query, len, &q) < 0);
        for (size_t len = DNS_HEADER_SIZE; len < sizeof query; len++)
                assert_int_equal(dns_question_read(query, len, &q), DNS_FORMAT_ERROR);
        memcpy(other, query, sizeof query);
        other[2] = 0x81; /* an answer */
        assert_true(dns_question_read(other, sizeof other, &q) < 0);
        other[2] = 0x28; /* an update */
        assert_int_equal(dns_question_read(other, sizeof other, &q), DNS_NOT_KNOWN);
        other[2] = 1;
        other[12] = 0xc0; /* a pointer */
        assert_int_equal(dns_question_read(other, sizeof other, &q), DNS_FORMAT_ERROR);
}

static void test_answer(void **state)
{
        static const uint8_t expected[] = { 0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 3, 'W', 'e', 'b', 0, 0, 1,
                                            0,    1,    0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4,   10,  1,   2, 3 };
        const struct ip ip = { .family = AF_INET, .bytes = { 10, 1, 2, 3 } };
        uint8_t room[DNS_UDP_SIZE];
        struct dns_question q;
        struct dns_answer a;

        dns_question_read(query, sizeof query, &q);
        dns_answer_begin(&a, room, sizeof room, query, &q, DNS_OK, true);
        dns_answer_add_address(&a, &ip);
        dns_answer_end(&a, &q);
        assert_int_equal(a.len, sizeof expected);
        assert_memory_equal(room, expected, sizeof expected);
        assert_true(dns_is_answer(room, a.len, query, &q));
        room[1]++;
        assert_false(dns_is_answer(room, a.len, query, &q));
}

static void test_too_many(void **state)
{
        const struct ip ip = { .family = AF_INET };
        uint8_t room[DNS_UDP_SIZE];
        struct dns_question q;
        struct dns_answer a;

        dns_question_read(query, sizeof query, &q);
        dns_answer_begin(&a, room, sizeof room, query, &q, DNS_OK, true);
        for (int i = 0; i < 100; i++)
                dns_answer_add_address(&a, &ip);
        dns_answer_end(&a, &q);
        assert_true(a.len <= sizeof room);
        assert_int_equal(room[2] & 2, 2);
}

static void test_reverse(void **state)
{
        static const char *const bad[] = { "",
                                           "in-addr.arpa",
                                           "1.in-addr.arpa",
                                           "1.2.3.4.5.in-addr.arpa",
                                           "256.0.0.10.in-addr.arpa",
                                           "a.0.0.10.in-addr.arpa",
                                           "1.2.3.ip6.arpa",
                                           "..0.0.10.in-addr.arpa" };
        struct ip ip;
        char text[IP_TEXT_MAX];

        assert_true(dns_reverse_parse("5.0.112.10.in-addr.arpa", &ip));
        assert_string_equal(ip_format(&ip, text), "10.112.0.5");
        assert_true(dns_reverse_parse("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", &ip));
        assert_string_equal(ip_format(&ip, text), "fd00::2");
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(dns_reverse_parse(bad[i], &ip));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_question),
                cmocka_unit_test(test_answer),
                cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_reverse),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
