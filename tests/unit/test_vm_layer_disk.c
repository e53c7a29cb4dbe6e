/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>

#include "base/own.h"
#include "vm/layer_disk.h"

static void test_extents(void **state)
{
        const struct layer_extent v[] = { { "/var/lib/holt/layers/a", 8192 }, { "/dev/fdset/2", (1ULL << 40) + 511 } };
        own_buf struct buf b = {};

        assert_int_equal(layer_disk_describe(v, 2, &b, NULL), 0);
        assert_string_equal(buf_str(&b), "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
                                         "createType=\"monolithicFlat\"\n"
                                         "RW 16 FLAT \"/var/lib/holt/layers/a\" 0\n"
                                         "RW 2147483648 FLAT \"/dev/fdset/2\" 0\n");
}

static void test_what_cannot_be_said(void **state)
{
        static const char *const bad[] = { "/a\"b", "/a\nRW 1 FLAT /etc/shadow 0", "/\x1f" };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                own_buf struct buf b = {};

                assert_int_equal(layer_disk_describe(&(struct layer_extent){ bad[i], 512 }, 1, &b, NULL), -EINVAL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_extents),
                                            cmocka_unit_test(test_what_cannot_be_said) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
