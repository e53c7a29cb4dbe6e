/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <string.h>

#include "agent/guest_config.h"

static void test_all(void **state)
{
        static const char text[] = "{\"hostname\":\"web\",\"time\":1700000000123456789,\"entropy\":\"00fFa5\","
                                   "\"layers\":[8,24],\"modules\":16,\"disk\":true,"
                                   "\"interfaces\":[{\"mac\":\"02:42:0a:58:00:02\",\"name\":\"eth0\",\"mtu\":1400,"
                                   "\"addresses\":[\"10.88.0.2/16\",\"fd00::2/64\"],\"gateways\":[\"10.88.0.1\"]}],"
                                   "\"files\":[{\"path\":\"a/b\",\"mode\":384,\"content\":\"x\"},{\"path\":\"c\"}],"
                                   "\"filters\":[{\"path\":\"a.bpf\",\"content\":\"eA==\"}],"
                                   "\"sysctls\":[{\"path\":\"vm/x\",\"content\":\"1\"}]}";
        own_guest_config struct guest_config c = {};
        struct error err;

        assert_int_equal(guest_config_read(text, strlen(text), &c, &err), 0);
        assert_string_equal(c.hostname, "web");
        assert_int_equal(c.time, 1700000000123456789);
        assert_int_equal(c.n_entropy, 3);
        assert_memory_equal(c.entropy, "\x00\xff\xa5", 3);
        assert_int_equal(c.n_layers, 2);
        assert_int_equal(c.layers[1], 24);
        assert_int_equal(c.modules, 16);
        assert_true(c.has_disk);
        assert_int_equal(c.n_interfaces, 1);
        assert_int_equal(c.interfaces[0].mtu, 1400);
        assert_true(c.interfaces[0].has_mac);
        assert_int_equal(c.interfaces[0].n_addresses, 2);
        assert_int_equal(c.interfaces[0].addresses[1].bits, 64);
        assert_int_equal(c.interfaces[0].addresses[0].ip.bytes[3], 2);
        assert_int_equal(c.interfaces[0].n_gateways, 1);
        assert_int_equal(c.n_files, 2);
        assert_int_equal(c.files[0].mode, 0600);
        assert_string_equal(c.files[1].content, "");
        assert_int_equal(c.files[1].mode, 0644);
        assert_int_equal(c.n_filters, 1);
        assert_string_equal(c.filters[0].path, "a.bpf");
        assert_int_equal(c.n_sysctls, 1);
        assert_string_equal(c.sysctls[0].path, "vm/x");
        assert_string_equal(c.sysctls[0].content, "1");
}

static void test_nothing(void **state)
{
        own_guest_config struct guest_config c = {};
        struct error err;

        assert_int_equal(guest_config_read("{}", 2, &c, &err), 0);
        assert_int_equal(c.n_layers, 0);
        assert_null(c.hostname);
}

static void test_refuses(void **state)
{
        static const char *const bad[] = {
                "[]",
                "{\"hostname\":1}",
                "{\"entropy\":\"abc\"}",
                "{\"entropy\":\"xx\"}",
                "{\"layers\":[0]}",
                "{\"modules\":18446744073709551615}",
                "{\"layers\":[-1]}",
                "{\"layers\":[\"1\"]}",
                "{\"layers\":[18446744073709551615]}",
                "{\"interfaces\":[1]}",
                "{\"interfaces\":[{\"mac\":\"02:42\"}]}",
                "{\"interfaces\":[{\"name\":\"a-name-that-is-too-long\"}]}",
                "{\"interfaces\":[{\"addresses\":[\"10.0.0.1\"]}]}",
                "{\"interfaces\":[{\"addresses\":[\"10.0.0.1/33\"]}]}",
                "{\"interfaces\":[{\"addresses\":[1]}]}",
                "{\"interfaces\":[{\"gateways\":[\"web\"]}]}",
                "{\"files\":[{}]}",
                "{\"files\":[{\"path\":\"\"}]}",
                "{\"files\":[{\"path\":\"/etc/passwd\"}]}",
                "{\"files\":[{\"path\":\"a/../../b\"}]}",
                "{\"files\":[{\"path\":\"..\"}]}",
                "{\"files\":[{\"path\":\"a/\"}]}",
                "{\"filters\":[{\"path\":\"a/b\"}]}",
                "{\"sysctls\":[{\"path\":\"vm/../x\"}]}",
        };

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                own_guest_config struct guest_config c = {};
                struct error err;

                if (guest_config_read(bad[i], strlen(bad[i]), &c, &err) >= 0)
                        fail_msg("%s was taken", bad[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
