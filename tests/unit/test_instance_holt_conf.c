/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/holt_conf.h"

static int parse(const char *text, struct holt_conf *ret, struct error *err)
{
        return holt_conf_parse("f", text, strlen(text), ret, err);
}

static void test_values(void **state)
{
        struct holt_conf c;

        assert_int_equal(parse("", &c, NULL), 0);
        assert_int_equal(c.vm_pool, 1);
        assert_int_equal(c.vm_template_limit, 2ULL << 30);
        assert_int_equal(parse("# nothing = else\n\n \t vm.pool=0 # none\r\n  vm.template_limit \t=  1.5g", &c, NULL),
                         0);
        assert_int_equal(c.vm_pool, 0);
        assert_int_equal(c.vm_template_limit, 3ULL << 29);
        assert_int_equal(parse("vm.template_limit = 0\nvm.pool = 64", &c, NULL), 0);
        assert_int_equal(c.vm_pool, 64);
        assert_int_equal(c.vm_template_limit, 0);
}

static void test_wrong(void **state)
{
        static const struct {
                const char *text, *error;
        } bad[] = {
                { "vm.pool", "f:1: \"vm.pool\" is no KEY = VALUE" },
                { "\n\nvm.pol = 1\n", "f:3: \"vm.pol\" is no key that is known, see holt.conf(5)" },
                { "vm.pool = 65", "f:1: \"65\" is no value of vm.pool: it wants a number of machines from 0 to 64" },
                { "vm.pool = ", "f:1: \"\" is no value of vm.pool: it wants a number of machines from 0 to 64" },
                { "vm.pool = -1", "f:1: \"-1\" is no value of vm.pool: it wants a number of machines from 0 to 64" },
                { "vm.pool = 1\nvm.pool = 1", "f:2: \"vm.pool\" is there twice" },
                { "vm.template_limit = -1",
                  "f:1: \"-1\" is no value of vm.template_limit: it wants bytes, with a suffix as 512m or 2g" },
                { "vm.template_limit = 2 g",
                  "f:1: \"2 g\" is no value of vm.template_limit: it wants bytes, with a suffix as 512m or 2g" },
                { "= 1", "f:1: \"\" is no key that is known, see holt.conf(5)" },
                { "\33[2J = 1", "f:1: \"?[2J\" is no key that is known, see holt.conf(5)" },
        };
        struct holt_conf c = { .vm_pool = 7 };
        struct error err;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_int_equal(parse(bad[i].text, &c, &err), -EINVAL);
                assert_string_equal(err.text, bad[i].error);
        }
        /* Untouched. */
        assert_int_equal(c.vm_pool, 7);
}

static void test_bounds(void **state)
{
        static char text[(64 << 10) + 1];
        struct holt_conf c;
        struct error err;

        memset(text, '\n', sizeof(text));
        assert_int_equal(holt_conf_parse("f", text, sizeof(text) - 1, &c, &err), 0);
        assert_int_equal(holt_conf_parse("f", text, sizeof(text), &c, &err), -EFBIG);
        memset(text + 1, '#', 512);
        assert_int_equal(holt_conf_parse("f", text, 513, &c, &err), -EINVAL);
        assert_string_equal(err.text, "f:2: this is no line of a text");
        assert_int_equal(holt_conf_parse("f", "vm.pool = 1\0\n", 13, &c, &err), -EINVAL);
}

static void test_file(void **state)
{
        char path[] = "/tmp/holt-conf.XXXXXX";
        own_fd int fd = mkstemp(path);
        struct holt_conf c;
        struct error err;

        setenv("HOLT_CONF", path, 1);
        assert_int_equal(write(fd, "vm.pool = 3\n", 12), 12);
        assert_int_equal(holt_conf_read(&c, &err), 0);
        assert_int_equal(c.vm_pool, 3);
        assert_string_equal(holt_conf_path(), path);
        unlink(path);
        assert_int_equal(holt_conf_read(&c, &err), 1);
        assert_int_equal(c.vm_pool, 1);
        setenv("HOLT_CONF", "/", 1);
        assert_int_equal(holt_conf_read(&c, &err), -EISDIR);
        assert_string_equal(err.text, "read /: Is a directory");
        setenv("HOLT_CONF", "", 1);
        assert_string_equal(holt_conf_path(), "/etc/holt/holt.conf");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_wrong),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
