/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <string.h>

#include "base/json.h"

static void sample_write(struct json_writer *w)
{
        json_begin_object(w, NULL);
        json_write_string(w, "s", "a\"b\\c");
        json_begin_array(w, "list");
        json_write_i64(w, NULL, INT64_MIN);
        json_write_u64(w, NULL, UINT64_MAX);
        json_begin_object(w, NULL);
        json_end_object(w);
        json_begin_array(w, NULL);
        json_end_array(w);
        json_end_array(w);
        json_write_bool(w, "yes", true);
        json_write_raw(w, "raw", "{\"x\":1}");
        json_end_object(w);
}

static void test_compact(void **state)
{
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out };

        sample_write(&w);
        assert_string_equal(buf_str(&out),
                            "{\"s\":\"a\\\"b\\\\c\",\"list\":[-9223372036854775808,18446744073709551615,{},[]],"
                            "\"yes\":true,\"raw\":{\"x\":1}}");
}

static void test_indented(void **state)
{
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out, .indent = 2 };

        sample_write(&w);
        assert_string_equal(buf_str(&out), "{\n"
                                           "  \"s\": \"a\\\"b\\\\c\",\n"
                                           "  \"list\": [\n"
                                           "    -9223372036854775808,\n"
                                           "    18446744073709551615,\n"
                                           "    {},\n"
                                           "    []\n"
                                           "  ],\n"
                                           "  \"yes\": true,\n"
                                           "  \"raw\": {\"x\":1}\n"
                                           "}");
}

static void assert_string_becomes(const char *text, const char *want)
{
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out };

        json_write_string(&w, NULL, text);
        assert_string_equal(buf_str(&out), want);
}

static void test_escapes(void **state)
{
        assert_string_becomes("", "\"\"");
        assert_string_becomes("\n\t\r\x01\x1f\x7f/", "\"\\n\\t\\u000d\\u0001\\u001f\x7f/\"");
        assert_string_becomes("\xc3\xa9", "\"\xc3\xa9\"");
        assert_string_becomes("a\xff\xc3(b\xe2\x82", "\"a\\ufffd\\ufffd(b\\ufffd\\ufffd\"");
}

/* Whatever bytes a string has, what is written can be read again. */
static void test_every_byte_can_be_read_again(void **state)
{
        for (int c = 1; c < 256; c++) {
                char text[4] = { 'a', (char)c, 'b', '\0' };
                own_json struct json_object *root = NULL;
                own_buf struct buf out = {};
                struct json_writer w = { .out = &out };

                json_write_string(&w, NULL, text);
                assert_int_equal(json_parse(buf_str(&out), out.len, &root, NULL), 0);
                assert_string_equal(json_string_value(root), c < 0x80 ? text
                                                                      : "a\xef\xbf\xbd"
                                                                        "b");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_compact),
                cmocka_unit_test(test_indented),
                cmocka_unit_test(test_escapes),
                cmocka_unit_test(test_every_byte_can_be_read_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
