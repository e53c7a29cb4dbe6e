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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
