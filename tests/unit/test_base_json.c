/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"

static struct json_object *parse(const char *text)
{
        struct json_object *root = NULL;
        struct error err = {};

        if (json_parse(text, strlen(text), &root, &err) < 0)
                fail_msg("%s: %s", text, err.text);
        return root;
}

/* The text as it is read and written again. */
static void assert_becomes(const char *text, const char *want)
{
        own_json struct json_object *root = parse(text);
        own_buf struct buf out = {};

        json_add_value(&out, root);
        assert_string_equal(buf_str(&out), want);
}

static void assert_refused_bytes(const char *text, size_t len)
{
        struct json_object *root = (struct json_object *)&root;
        struct error err = {};
        /* Exactly as large as the text: a sanitizer sees each byte that is read behind it. */
        own_mem char *copy = malloc(len ? len : 1);

        memcpy(copy, text, len);
        if (json_parse(copy, len, &root, &err) != -EINVAL)
                fail_msg("accepted: %s", text);
        assert_int_equal(err.code, EINVAL);
        assert_int_equal(strncmp(err.text, "invalid JSON at byte ", 21), 0);
        assert_ptr_equal(root, &root);
}

static void test_values(void **state)
{
        assert_becomes("{}", "{}");
        assert_becomes(" [ ] ", "[]");
        assert_becomes("\t\r\n{ \"a\" : [ 1 , true , false , null , \"x\" ] , \"b\":{} }\n",
                       "{\"a\":[1,true,false,null,\"x\"],\"b\":{}}");
        assert_becomes("\"\"", "\"\"");
        assert_becomes("7", "7");
        assert_becomes("null", "null");
        assert_becomes("true", "true");
        assert_becomes("[[],[[]],{\"\":0}]", "[[],[[]],{\"\":0}]");
}

static void test_numbers(void **state)
{
        assert_becomes("[0,-0,1,-1]", "[0,0,1,-1]");
        assert_becomes("18446744073709551615", "18446744073709551615");
        assert_becomes("9223372036854775808", "9223372036854775808");
        assert_becomes("-9223372036854775808", "-9223372036854775808");
        assert_becomes("[1.5,-0.25,1e3,1E+3,2e-7,1e999]", "[1.5,-0.25,1e3,1E+3,2e-7,1e999]");
}

static void test_strings(void **state)
{
        assert_becomes("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\u000d\\t\"");
        assert_becomes("\"a\\u0041\\u00e9\\u20AC\\ud83d\\ude00z\"", "\"aA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\"");
        assert_becomes("\"\xc3\xa9\x7f\"", "\"\xc3\xa9\x7f\"");
        assert_becomes("{\"k\\u0065y\":1}", "{\"key\":1}");
        assert_becomes("\"\\u001f\"", "\"\\u001f\"");
}

static void test_refused(void **state)
{
        static const char *const cases[] = {
                "",
                " ",
                "\n",
                /* more than one value, or not all of one */
                "{} {}",
                "{}x",
                "1 2",
                "[]]",
                "{",
                "[",
                "[1",
                "[1,",
                "{\"a\"",
                "{\"a\":",
                "{\"a\":1",
                "{\"a\":1,",
                "\"",
                "\"a",
                "\"\\",
                "\"\\u",
                "\"\\u00",
                "tru",
                "nul",
                "f",
                /* punctuation */
                "[1,]",
                "[,1]",
                "[,]",
                "{\"a\":1,}",
                "{,}",
                "{\"a\" 1}",
                "{\"a\"::1}",
                "[1 2]",
                "{\"a\":1 \"b\":2}",
                "[1}",
                "{\"a\":1]",
                "{1:2}",
                "{a:1}",
                "{null:1}",
                "[\"a\":1]",
                ":",
                ",",
                "}",
                "]",
                /* words */
                "True",
                "TRUE",
                "NULL",
                "nan",
                "NaN",
                "Infinity",
                "-Infinity",
                "inf",
                "truefalse",
                "undefined",
                "trux",
                "truE",
                "nuli",
                "falsy",
                "nulll",
                "{x\":1}",
                "{\"a\"x1}",
                "{\"a\"=1}",
                /* other quotes and comments */
                "'a'",
                "{'a':1}",
                "// x\n1",
                "/* x */1",
                "1 /* x */",
                "#",
                "1;",
                /* numbers */
                "01",
                "-01",
                "00",
                "-",
                "+1",
                ".5",
                "1.",
                "1.e3",
                "1e",
                "1e+",
                "-.5",
                "0x10",
                "1_000",
                "1,",
                "--1",
                "1a",
                "18446744073709551616",
                "-9223372036854775809",
                "184467440737095516150",
                "99999999999999999999999999999999",
                /* strings */
                "\"\n\"",
                "\"\t\"",
                "\"\x01\"",
                "\"\\x41\"",
                "\"\\a\"",
                "\"\\'\"",
                "\"\\u12g4\"",
                "\"\\U0041\"",
                "\"\\u 041\"",
                "\"\\u0000\"",
                "\"a\\u0000b\"",
                "{\"a\\u0000b\":1}",
                "\"\\ud800\"",
                "\"\\ud800x\"",
                "\"\\ud800\\u0041\"",
                "\"\\udc00\"",
                "\"\\udc00\\ud800\"",
                "\"\\ud800\\ud800\"",
                /* UTF-8 */
                "\"\x80\"",
                "\"\xc3\"",
                "\"\xc0\x80\"",
                "\"\xed\xa0\x80\"",
                "\"\xf4\x90\x80\x80\"",
                "\"\xff\"",
                "\xef\xbb\xbf{}",
                "\xc3\xa9",
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_refused_bytes(cases[i], strlen(cases[i]));
}

/* Whatever stands before it, and however far from the end: plain bytes are skipped by eights. */
static void test_what_ends_a_run(void **state)
{
        for (size_t len = 0; len < 20; len++) {
                for (size_t at = 0; at < len; at++) {
                        char text[24];

                        memset(text, '~', sizeof text);
                        text[0] = text[len + 1] = '"';
                        text[len + 2] = '\0';
                        assert_becomes(text, text);
                        for (int c = 1; c < 256; c++) {
                                bool stands = c >= ' ' && c < 0x80 && c != '"' && c != '\\';

                                text[at + 1] = (char)c;
                                if (stands)
                                        assert_becomes(text, text);
                                else
                                        assert_refused_bytes(text, len + 2);
                        }
                }
        }
}

static void test_nul_bytes(void **state)
{
        assert_refused_bytes("\0", 1);
        assert_refused_bytes("1\0", 2);
        assert_refused_bytes("{}\0", 3);
        assert_refused_bytes("\0{}", 3);
        assert_refused_bytes("\"a\0b\"", 5);
        assert_refused_bytes("[1,\0]", 5);
        assert_refused_bytes("{\"\0\":1}", 7);
        assert_refused_bytes("tr\0ue", 5);
}

/* A document that ends anywhere is refused, and nothing behind its end is read. */
static void test_truncated(void **state)
{
        static const char text[] =
                "{\"a\":[1,-2.5e3,\"x\\u00e9\\n\",true,false,null],\"b\":{\"\xf0\x9f\x98\x80\":\"\\ud83d\\ude00\"}}";

        json_put(parse(text));
        for (size_t len = 0; len < sizeof text - 1; len++)
                assert_refused_bytes(text, len);
}

static void test_error_says_where(void **state)
{
        struct json_object *root;
        struct error err;

        json_parse("{\"a\":x}", 7, &root, &err);
        assert_string_equal(err.text, "invalid JSON at byte 5: expected a value");
        json_parse("{\"a\":", 5, &root, &err);
        assert_string_equal(err.text, "invalid JSON at byte 5: unexpected end");
        json_parse("{} x", 4, &root, &err);
        assert_string_equal(err.text, "invalid JSON at byte 3: trailing bytes");
        json_parse("18446744073709551616", 20, &root, &err);
        assert_string_equal(err.text, "invalid JSON at byte 0: number does not fit into 64 bits");
        assert_int_equal(json_parse("x", 1, &root, NULL), -EINVAL);
}

static void nested(char *out, int depth, char open, char close)
{
        memset(out, open, (size_t)depth);
        memset(out + depth, close, (size_t)depth);
        out[2 * depth] = '\0';
}

static void test_depth(void **state)
{
        static char text[200001];

        nested(text, 32, '[', ']');
        json_put(parse(text));
        nested(text, 33, '[', ']');
        assert_refused_bytes(text, strlen(text));
        nested(text, 100000, '[', ']');
        assert_refused_bytes(text, strlen(text));
        memset(text, '[', 200000);
        assert_refused_bytes(text, 200000);
        for (size_t i = 0; i < 200000; i += 5)
                memcpy(text + i, "{\"a\":", 5);
        assert_refused_bytes(text, 200000);
}

/* Depth counts what is open, not what there was. */
static void test_depth_is_given_back(void **state)
{
        own_buf struct buf text = {};

        buf_add_str(&text, "[0");
        for (int i = 0; i < 1000; i++)
                buf_add_str(&text, ",{\"a\":[[]]}");
        buf_add_str(&text, "]");
        json_put(parse(buf_str(&text)));
}

static void test_huge(void **state)
{
        struct json_object *root;
        struct error err;

        assert_int_equal(json_parse("", SIZE_MAX, &root, &err), -EFBIG);
        assert_int_equal(json_parse("", (size_t)INT32_MAX + 1, &root, &err), -EFBIG);
}

static void test_last_of_equal_names_counts(void **state)
{
        assert_becomes("{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":3}");
        assert_becomes("{\"a\":1,\"a\":2,\"a\":null}", "{\"a\":null}");
        assert_becomes("{\"a\":1,\"\\u0061\":{}}", "{\"a\":{}}");
        assert_becomes("{\"\":1,\"\":2}", "{\"\":2}");
}

/* The same with more members than are compared one by one, each name given three times. */
static void test_last_of_many_equal_names_counts(void **state)
{
        own_buf struct buf text = {};
        own_json struct json_object *root = NULL;

        for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 100; i++)
                        buf_addf(&text, "%c\"k%d\":%d", text.len ? ',' : '{', i, round * 100 + i);
        }
        buf_add_str(&text, "}");
        root = parse(buf_str(&text));
        assert_int_equal(json_member_count(root), 100);
        for (int i = 0; i < 100; i++) {
                int64_t v = 0;
                char key[16];

                snprintf(key, sizeof key, "k%d", i);
                assert_int_equal(json_get_i64(root, key, &v, NULL), 1);
                assert_int_equal(v, 200 + i);
        }
}

static void test_get(void **state)
{
        own_json struct json_object *root =
                parse("{\"s\":\"x\",\"b\":true,\"i\":-5,\"u\":18446744073709551615,\"o\":{},\"a\":[7],\"n\":null}");
        struct json_object *o = NULL, *a = NULL;
        const char *s = NULL;
        struct error err;
        uint64_t u = 0;
        int64_t i = 0;
        bool b = false;

        assert_true(json_is_object(root));
        assert_int_equal(json_get_string(root, "s", &s, &err), 1);
        assert_string_equal(s, "x");
        assert_int_equal(json_get_bool(root, "b", &b, &err), 1);
        assert_true(b);
        assert_int_equal(json_get_i64(root, "i", &i, &err), 1);
        assert_int_equal(i, -5);
        assert_int_equal(json_get_u64(root, "u", &u, &err), 1);
        assert_true(u == UINT64_MAX);
        assert_int_equal(json_get_object(root, "o", &o, &err), 1);
        assert_true(json_is_object(o));
        assert_int_equal(json_member_count(o), 0);
        assert_ptr_equal(json_member(root, "o"), o);
        assert_null(json_member(root, "none"));
        assert_null(json_member(NULL, "none"));
        assert_int_equal(json_get_array(root, "a", &a, &err), 1);
        assert_null(json_member(a, "o"));
        assert_int_equal(json_array_size(a), 1);
        assert_false(json_is_object(a));
        assert_true(json_u64_value(json_array_item(a, 0), &u));
        assert_int_equal(u, 7);
        assert_null(json_string_value(json_array_item(a, 0)));
}

static void test_absent_and_null(void **state)
{
        own_json struct json_object *root = parse("{\"n\":null,\"nn\":1}");
        static const char *const keys[] = { "n", "absent", "" };

        for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
                struct json_object *v = root;
                const char *s = "kept";
                uint64_t u = 1;
                uint32_t w = 2;
                int64_t i = 3;
                bool b = true;

                assert_int_equal(json_get_string(root, keys[k], &s, NULL), 0);
                assert_int_equal(json_get_bool(root, keys[k], &b, NULL), 0);
                assert_int_equal(json_get_i64(root, keys[k], &i, NULL), 0);
                assert_int_equal(json_get_u64(root, keys[k], &u, NULL), 0);
                assert_int_equal(json_get_u32(root, keys[k], &w, NULL), 0);
                assert_int_equal(json_get_object(root, keys[k], &v, NULL), 0);
                assert_int_equal(json_get_array(root, keys[k], &v, NULL), 0);
                assert_string_equal(s, "kept");
                assert_true(b && i == 3 && u == 1 && w == 2 && v == root);
        }
}

static void assert_i64(const char *text, int result, const char *message)
{
        own_json struct json_object *root = parse(text);
        struct error err = {};
        int64_t v = 4711;

        assert_int_equal(json_get_i64(root, "k", &v, &err), result);
        assert_string_equal(err.text, message);
        assert_int_equal(v, 4711);
}

static void assert_u64(const char *text, const char *message)
{
        own_json struct json_object *root = parse(text);
        struct error err = {};
        uint64_t v = 4711;

        assert_int_equal(json_get_u64(root, "k", &v, &err), -EINVAL);
        assert_string_equal(err.text, message);
        assert_int_equal(v, 4711);
}

static void test_wrong_numbers(void **state)
{
        assert_i64("{\"k\":9223372036854775808}", -EINVAL, "k: expected a number below 2^63");
        assert_i64("{\"k\":1.0}", -EINVAL, "k: expected a whole number");
        assert_i64("{\"k\":1e3}", -EINVAL, "k: expected a whole number");
        assert_i64("{\"k\":\"1\"}", -EINVAL, "k: expected a whole number");
        assert_i64("{\"k\":true}", -EINVAL, "k: expected a whole number");
        assert_u64("{\"k\":-1}", "k: expected a whole number of 0 or more");
        assert_u64("{\"k\":0.5}", "k: expected a whole number of 0 or more");
        assert_u64("{\"k\":[]}", "k: expected a whole number of 0 or more");
}

static void test_number_limits(void **state)
{
        own_json struct json_object *root = parse("{\"min\":-9223372036854775808,\"max\":9223372036854775807,\"u32\":"
                                                  "4294967295,\"over\":4294967296,\"z\":-0}");
        struct error err = {};
        uint32_t u = 0;
        uint64_t z = 1;
        int64_t v = 0;

        assert_int_equal(json_get_i64(root, "min", &v, &err), 1);
        assert_true(v == INT64_MIN);
        assert_int_equal(json_get_i64(root, "max", &v, &err), 1);
        assert_true(v == INT64_MAX);
        assert_int_equal(json_get_u32(root, "u32", &u, &err), 1);
        assert_true(u == UINT32_MAX);
        assert_int_equal(json_get_u32(root, "over", &u, &err), -EINVAL);
        assert_string_equal(err.text, "over: expected a number below 2^32");
        assert_int_equal(json_get_u64(root, "z", &z, &err), 1);
        assert_int_equal(z, 0);
}

static void test_wrong_types(void **state)
{
        own_json struct json_object *root = parse("{\"s\":\"x\",\"i\":1}");
        struct json_object *v = NULL;
        struct error err = {};
        const char *s = NULL;
        bool b = false;

        assert_int_equal(json_get_string(root, "i", &s, &err), -EINVAL);
        assert_string_equal(err.text, "i: expected a string");
        assert_int_equal(json_get_bool(root, "i", &b, &err), -EINVAL);
        assert_string_equal(err.text, "i: expected true or false");
        assert_int_equal(json_get_object(root, "s", &v, &err), -EINVAL);
        assert_string_equal(err.text, "s: expected an object");
        assert_int_equal(json_get_array(root, "s", &v, &err), -EINVAL);
        assert_string_equal(err.text, "s: expected an array");
        assert_false(json_u64_value(root, &(uint64_t){ 0 }));
}

static int collect(const char *key, struct json_object *value, void *userdata)
{
        buf_addf(userdata, "%s;", key);
        return strcmp(key, "stop") == 0 ? 42 : 0;
}

static void test_each(void **state)
{
        own_json struct json_object *root = parse("{\"z\":1,\"a\":2,\"stop\":3,\"never\":4}");
        own_buf struct buf seen = {};

        assert_int_equal(json_each(root, collect, &seen), 42);
        assert_string_equal(buf_str(&seen), "z;a;stop;");
}

static void test_accessors(void **state)
{
        own_json struct json_object *root = parse("{\"n\":-5,\"big\":18446744073709551615,\"r\":1e3,\"t\":true}");
        struct json_object *number = json_member_at(root, 0), *big = json_member_at(root, 1);
        bool truth = false;
        int64_t n = 0;

        assert_null(json_key(root));
        assert_string_equal(json_key(big), "big");
        assert_true(json_i64_value(number, &n));
        assert_int_equal(n, -5);
        assert_false(json_i64_value(big, &n));
        assert_false(json_bool_value(big, &truth));
        assert_null(json_real_text(big));
        assert_string_equal(json_real_text(json_member_at(root, 2)), "1e3");
        assert_true(json_bool_value(json_member_at(root, 3), &truth));
        assert_true(truth);
}

static void test_put_nothing(void **state)
{
        json_put(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_strings),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_what_ends_a_run),
                cmocka_unit_test(test_nul_bytes),
                cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_error_says_where),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_depth_is_given_back),
                cmocka_unit_test(test_huge),
                cmocka_unit_test(test_last_of_equal_names_counts),
                cmocka_unit_test(test_last_of_many_equal_names_counts),
                cmocka_unit_test(test_get),
                cmocka_unit_test(test_absent_and_null),
                cmocka_unit_test(test_wrong_numbers),
                cmocka_unit_test(test_number_limits),
                cmocka_unit_test(test_wrong_types),
                cmocka_unit_test(test_each),
                cmocka_unit_test(test_accessors),
                cmocka_unit_test(test_put_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
