/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "registry/toml.h"

static struct toml_value *good(const char *text)
{
        struct toml_value *root = NULL;
        struct error err = {};

        if (toml_parse(text, strlen(text), &root, &err) < 0)
                fail_msg("%s: %s", text, err.text);
        return root;
}

static const char *string_of(const struct toml_value *table, const char *key)
{
        const char *s = NULL;
        struct error err = {};

        assert_int_equal(toml_get_string(table, key, &s, &err), 1);
        return s;
}

static void test_strings(void **state)
{
        own_toml struct toml_value *root = good("a = \"tab\\t quote\\\" \\u00e9\\U0001F600\" # comment\r\n"
                                                "b = 'C:\\no\\escapes'\n"
                                                "c = \"\"\"\nline one\n  two \\\n\n     joined \"quoted\"\"\"\"\n"
                                                "d = '''\nas ''it'' is\\\n'''\n"
                                                "\"e f\" = ''\n"
                                                "g = \"\"\n");

        assert_string_equal(string_of(root, "a"), "tab\t quote\" \xc3\xa9\xf0\x9f\x98\x80");
        assert_string_equal(string_of(root, "b"), "C:\\no\\escapes");
        assert_string_equal(string_of(root, "c"), "line one\n  two joined \"quoted\"");
        assert_string_equal(string_of(root, "d"), "as ''it'' is\\\n");
        assert_string_equal(string_of(root, "e f"), "");
        assert_string_equal(string_of(root, "g"), "");
}

static void test_numbers(void **state)
{
        own_toml struct toml_value *root =
                good("v = [ 0, -0, +7, 1_000, 0xDead_beef, 0o17, 0b101, -9223372036854775808, 9223372036854775807, ]");
        static const int64_t expected[] = { 0, 0, 7, 1000, 0xdeadbeef, 15, 5, INT64_MIN, INT64_MAX };
        const struct toml_value *v = NULL, *item;
        struct error err = {};
        size_t i = 0;

        assert_int_equal(toml_get_array(root, "v", TOML_INTEGER, &v, &err), 1);
        for (item = v->first; item; item = item->next)
                assert_true(item->integer == expected[i++]);
        assert_int_equal(i, 9);
}

static void test_tables(void **state)
{
        own_toml struct toml_value *root = good("top.left = true\ntop.right = false\n"
                                                "[a.b]\nx = { y.z = 'in', w = [[], [\n'deep' # why\n,\n]] }\n"
                                                "[a]\nc = 'a table that was made in passing'\n"
                                                "[[list]]\nn = 1\n[[list.sub]]\n[list.sub.s]\n[[list]]\nn = 2\n");
        const struct toml_value *a = NULL, *b = NULL, *x = NULL, *y = NULL, *list = NULL;
        struct error err = {};

        assert_int_equal(toml_get_table(root, "a", &a, &err), 1);
        assert_int_equal(toml_get_table(a, "b", &b, &err), 1);
        assert_int_equal(toml_get_table(b, "x", &x, &err), 1);
        assert_int_equal(toml_get_table(x, "y", &y, &err), 1);
        assert_string_equal(string_of(y, "z"), "in");
        assert_int_equal(toml_get_array(root, "list", TOML_TABLE, &list, &err), 1);
        assert_true(list->first->next == list->last);
        assert_int_equal(toml_get_table(list->first, "sub", &a, &err), -EINVAL);
        assert_int_equal(toml_get_table(list->last, "sub", &a, &err), 0);
}

static void test_types(void **state)
{
        own_toml struct toml_value *root = good("s = 's'\nb = true\nl = ['a', 1]\n");
        const struct toml_value *v = NULL;
        struct error err = {};
        bool b = false;

        assert_int_equal(toml_get_bool(root, "b", &b, &err), 1);
        assert_true(b);
        assert_int_equal(toml_get_bool(root, "none", &b, &err), 0);
        assert_int_equal(toml_get_bool(root, "s", &b, &err), -EINVAL);
        assert_string_equal(err.text, "s: expected true or false");
        assert_int_equal(toml_get_array(root, "l", TOML_STRING, &v, &err), -EINVAL);
}

static void test_refused(void **state)
{
        static const char *const bad[] = {
                "a",
                "a =",
                "= 1",
                "a = 1 b = 2",
                "a = 1\na = 2",
                "a = 1\n[a]",
                "[a]\n[a]",
                "[a]\n[[a]]",
                "[[a]]\n[a]",
                "a = []\n[[a]]",
                "a = {}\n[a.b]",
                "a = { b = 1 }\na.c = 2",
                "a.b = 1\n[a]",
                "[a.b]\n[a]\nb.c = 1",
                "a = { b = 1, }",
                "a = { b = 1\n}",
                "a = [1 2]",
                "a = [1",
                "a = [,]",
                "[a",
                "[[a]",
                "[]",
                "[a.]",
                "a. = 1",
                "a = 1.5",
                "a = 1e3",
                "a = 1979-05-27",
                "a = 07:32:00",
                "a = inf",
                "a = 01",
                "a = 1__0",
                "a = _1",
                "a = 1_",
                "a = +0x1",
                "a = 0x",
                "a = 9223372036854775808",
                "a = 99999999999999999999",
                "a = True",
                "a = truely",
                "a = \"x",
                "a = \"x\ny\"",
                "a = \"\\x41\"",
                "a = \"\\u00\"",
                "a = \"\\u0000\"",
                "a = \"\\ud800\"",
                "a = \"\\U00110000\"",
                "a = \"\x01\"",
                "a = '\x7f'",
                "a = '\xff'",
                "a = \"\"\"x\"\"",
                "a = \"\"\"x\"\"\"\"\"\"",
                "\"\"\"a\"\"\" = 1",
                "# \x01",
                "a = 1\r",
        };

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                struct toml_value *root = NULL;
                struct error err = {};

                if (toml_parse(bad[i], strlen(bad[i]), &root, &err) != -EINVAL)
                        fail_msg("accepted: %s", bad[i]);
                assert_int_equal(strncmp(err.text, "line ", 5), 0);
        }
}

static void test_bounds(void **state)
{
        struct toml_value *root = NULL;
        struct error err = {};
        char deep[200];

        memset(deep, '[', sizeof deep);
        memcpy(deep, "a=", 2);
        assert_int_equal(toml_parse(deep, sizeof deep, &root, &err), -EINVAL);
        for (size_t i = 0; i < sizeof deep; i++)
                deep[i] = i % 2 ? '.' : 'a';
        assert_int_equal(toml_parse(deep, sizeof deep, &root, &err), -EINVAL);
        assert_int_equal(toml_parse("a = 1\0", 6, &root, &err), -EINVAL);
        assert_null(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_strings), cmocka_unit_test(test_numbers), cmocka_unit_test(test_tables),
                cmocka_unit_test(test_types),   cmocka_unit_test(test_refused), cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
