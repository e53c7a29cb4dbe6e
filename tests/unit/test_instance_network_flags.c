/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "instance/network_flags.h"

static void test_modes(void **state)
{
        static const struct {
                const char *network;
                int result;
                enum network_mode mode;
        } cases[] = {
                { "none", 0, NETWORK_MODE_NONE },
                { "host", 0, NETWORK_MODE_HOST },
                { "bridge", 0, NETWORK_MODE_BRIDGES },
                { "default", 0, NETWORK_MODE_BRIDGES },
                { "container:x", 0, NETWORK_MODE_CONTAINER },
                { "", -EINVAL, 0 },
                { "name=", -EINVAL, 0 },
                { "name=x,what=y", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *const list[] = { cases[i].network, NULL };
                const struct instance_options o = { .network = list };
                own_network_flags struct network_flags f = {};
                struct error err;

                assert_int_equal(network_flags_read(&o, true, &f, &err), cases[i].result);
                assert_int_equal(f.mode, cases[i].mode);
        }
}

static void test_usual(void **state)
{
        const struct instance_options o = {};
        own_network_flags struct network_flags root = {}, other = {};
        struct error err;

        assert_int_equal(network_flags_read(&o, true, &root, &err), 0);
        assert_int_equal(root.mode, NETWORK_MODE_BRIDGES);
        assert_string_equal(root.v[0].name, "bridge");
        assert_int_equal(network_flags_read(&o, false, &other, &err), 0);
        assert_int_equal(other.mode, NETWORK_MODE_PASTA);
}

static void test_long(void **state)
{
        static const char text[] = "name=back,alias=db,alias=sql,ip=10.5.0.7,ip6=fd05::7,mac-address=02:00:00:00:00:07";
        const char *const list[] = { "front", text, NULL }, *const aliases[] = { "web", NULL };
        const struct instance_options o = { .network = list, .network_alias = aliases, .ip = "10.6.0.1" };
        own_network_flags struct network_flags f = {};
        own_mem char *again = NULL;
        struct error err;

        assert_int_equal(network_flags_read(&o, true, &f, &err), 0);
        assert_int_equal(f.n, 2);
        assert_int_equal(f.v[0].ip4.bytes[1], 6);
        assert_string_equal(f.v[0].aliases[0], "web");
        assert_string_equal(f.v[1].aliases[1], "sql");
        assert_string_equal(f.v[1].aliases[2], "web");
        f.v[1].aliases = (const char *const[]){ "db", "sql", NULL };
        again = network_flag_write(&f.v[1]);
        assert_string_equal(again, text);
}

static void test_refused(void **state)
{
        const char *const twice[] = { "a", "a", NULL }, *const mixed[] = { "host", "a", NULL },
                          *const host[] = { "host", NULL }, *const shared[] = { "container:x", NULL },
                          *const ports[] = { "80", NULL };
        const struct instance_options cases[] = {
                { .network = twice },
                { .network = mixed },
                { .network = host, .ip = "10.0.0.1" },
                { .network = shared, .publish = ports },
                { .network = shared, .hostname = "x" },
                { .ip = "fd00::1" },
                { .mac_address = "01:00:00:00:00:00" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct network_flags f;
                struct error err;

                assert_int_equal(network_flags_read(&cases[i], true, &f, &err), -EINVAL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_modes),
                cmocka_unit_test(test_usual),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
