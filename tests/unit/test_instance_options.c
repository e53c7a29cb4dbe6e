/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/options.h"

static void set(struct instance_options *o, const char *name, const char *value)
{
        const struct option_member *m = instance_option_find(name);

        assert_non_null(m);
        assert_int_equal(instance_option_set(o, m, value), 0);
}

static void set_two(struct instance_options *o, const char *name, const char *one, const char *two)
{
        assert_int_equal(instance_option_set_list(o, instance_option_find(name), (const char *const[]){ one, two }, 2),
                         0);
}

static void test_members(void **state)
{
        own_instance_options struct instance_options o = {};

        assert_null(instance_option_find("nonsense"));
        assert_null(instance_option_find("a-name-that-is-longer-than-every-option-can-be"));
        set(&o, "read-only", "");
        assert_true(o.read_only);
        set(&o, "read-only", "false");
        assert_false(o.read_only);
        set(&o, "entrypoint", "");
        assert_string_equal(o.entrypoint, "");
        set_two(&o, "cap-add", "a", "b");
        assert_string_equal(o.cap_add[1], "b");
        assert_null(o.cap_add[2]);
        assert_int_equal(instance_option_set_list(&o, instance_option_find("cap-add"), NULL, 0), 0);
        assert_null(o.cap_add);
}

/* What is written is read again, and written the same. */
static void test_json(void **state)
{
        own_instance_options struct instance_options o = {}, again = {};
        own_buf struct buf text = {}, twice = {};
        struct json_writer w = { .out = &text }, v = { .out = &twice };
        own_json struct json_object *root = NULL;
        struct error err = {};

        set(&o, "rm", "true");
        set(&o, "memory", "1g");
        set(&o, "entrypoint", "");
        set_two(&o, "env", "A=\"1\"\n", "B=\u00e4");
        instance_options_write(&o, &w, NULL);
        assert_int_equal(json_parse(text.data, text.len, &root, &err), 0);
        if (instance_options_read(root, &again, &err) < 0)
                fail_msg("%s", err.text);
        assert_string_equal(again.memory, "1g");
        assert_string_equal(again.env[0], "A=\"1\"\n");
        assert_true(again.rm);
        instance_options_write(&again, &v, NULL);
        assert_string_equal(buf_str(&text), buf_str(&twice));
}

static void refused(const char *text)
{
        own_json struct json_object *root = NULL;
        struct instance_options o;
        struct error err = {};

        assert_int_equal(json_parse(text, strlen(text), &root, &err), 0);
        assert_int_equal(instance_options_read(root, &o, &err), -EINVAL);
}

static void test_bad_json(void **state)
{
        refused("{\"nonsense\":1}");
        refused("{\"cap-add\":[]}");
        refused("{\"env\":\"A\"}");
        refused("{\"env\":[1]}");
        refused("{\"rm\":\"yes\"}");
        refused("{\"memory\":[]}");
}

static char *file_with(const char *text)
{
        static char path[] = "/tmp/holt-test-XXXXXX";
        int fd;

        strcpy(path + sizeof path - 7, "XXXXXX");
        fd = mkstemp(path);
        assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
        close(fd);
        return path;
}

static void test_settle(void **state)
{
        own_instance_options struct instance_options o = {};
        struct error err = {};
        char *path = file_with("# no\n\nFILE=1\n  HOLT_TEST_PASSED\nBOTH=file\n");

        setenv("HOLT_TEST_PASSED", "value", 1);
        unsetenv("HOLT_TEST_ABSENT");
        set(&o, "env-file", path);
        set_two(&o, "env", "BOTH=mine", "HOLT_TEST_ABSENT");
        set_two(&o, "volume", "./a:/b", "name:/c");
        if (instance_options_settle(&o, &err) < 0)
                fail_msg("%s", err.text);
        unlink(path);
        assert_string_equal(o.env[0], "FILE=1");
        assert_string_equal(o.env[1], "HOLT_TEST_PASSED=value");
        assert_string_equal(o.env[2], "BOTH=file");
        assert_string_equal(o.env[3], "BOTH=mine");
        assert_null(o.env[4]);
        assert_null(o.env_file);
        assert_int_equal(o.volume[0][0], '/');
        assert_string_equal(o.volume[1], "name:/c");
        set(&o, "env-file", "/no/such/file");
        assert_int_equal(instance_options_settle(&o, &err), -ENOENT);
        assert_non_null(strstr(err.text, "/no/such/file"));
        o.env_file = NULL;
        set(&o, "env", "=x");
        assert_int_equal(instance_options_settle(&o, &err), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_members),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_bad_json),
                cmocka_unit_test(test_settle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
