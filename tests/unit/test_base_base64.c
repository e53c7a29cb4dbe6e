/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"

/* RFC 4648, section 10 */
static void test_vectors(void **state)
{
        static const char *const pairs[][2] = {
                { "", "" },
                { "f", "Zg==" },
                { "fo", "Zm8=" },
                { "foo", "Zm9v" },
                { "foob", "Zm9vYg==" },
                { "fooba", "Zm9vYmE=" },
                { "foobar", "Zm9vYmFy" },
                { "\xff\xfe\xfd", "//79" },
        };

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                own_buf struct buf text = {}, bytes = {};

                base64_add(&text, pairs[i][0], strlen(pairs[i][0]));
                assert_string_equal(buf_str(&text), pairs[i][1]);
                assert_int_equal(base64_decode(pairs[i][1], &bytes), 0);
                assert_string_equal(buf_str(&bytes), pairs[i][0]);
        }
}

static void test_refused(void **state)
{
        static const char *const bad[] = { "Z",    "Zg",   "Zg=",      "Zh==", "Zm9=",  "=Zg=",
                                           "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9v\n" };

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                own_buf struct buf bytes = {};

                assert_int_equal(base64_decode(bad[i], &bytes), -EINVAL);
        }
}

/* Every digit in every place, and nothing else. */
static void test_digits(void **state)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        for (size_t at = 0; at < 4; at++) {
                for (int c = 1; c < 256; c++) {
                        const char *digit = strchr(digits, c);
                        own_buf struct buf bytes = {};
                        char text[] = "AAAA";
                        uint32_t bits;

                        text[at] = (char)c;
                        if (!digit && !(c == '=' && at == 3)) {
                                assert_int_equal(base64_decode(text, &bytes), -EINVAL);
                                continue;
                        }
                        assert_int_equal(base64_decode(text, &bytes), 0);
                        bits = digit ? (uint32_t)(digit - digits) << (18 - 6 * at) : 0;
                        assert_int_equal(bytes.len, digit ? 3 : 2);
                        for (size_t i = 0; i < bytes.len; i++)
                                assert_int_equal((unsigned char)bytes.data[i], bits >> (16 - 8 * i) & 0xff);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_digits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
