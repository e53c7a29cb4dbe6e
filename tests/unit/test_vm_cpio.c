/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "vm/cpio.h"

/* Field n of a header: eight hexadecimal digits behind the magic number. */
static unsigned long field(const char *header, unsigned n)
{
        char text[9] = {};

        memcpy(text, header + 6 + 8 * n, 8);
        return strtoul(text, NULL, 16);
}

static void test_file(void **state)
{
        own_buf struct buf b = {};

        cpio_add(&b, "etc/x", S_IFREG | 0640, "hello", 5);
        assert_memory_equal(b.data, "070701", 6);
        assert_int_equal(field(b.data, 1), S_IFREG | 0640);
        assert_int_equal(field(b.data, 6), 5);
        assert_int_equal(field(b.data, 11), 6);
        assert_string_equal(b.data + 110, "etc/x");
        /* 110 + 6 is a multiple of four; so is all that follows. */
        assert_memory_equal(b.data + 116, "hello\0\0", 8);
        assert_int_equal(b.len, 124);
}

static void test_padding(void **state)
{
        for (size_t n = 1; n < 9; n++) {
                own_buf struct buf b = {};
                char name[16] = {};

                for (size_t i = 0; i < n; i++)
                        name[i] = 'n';
                cpio_add(&b, name, S_IFREG | 0600, "data", n % 5);
                cpio_add(&b, "d", S_IFDIR | 0755, NULL, 0);
                cpio_end(&b);
                assert_int_equal(b.len % 4, 0);
                /* The end: its header, "TRAILER!!!", 121 bytes filled up to 124. */
                assert_memory_equal(b.data + b.len - 124, "070701", 6);
                assert_string_equal(b.data + b.len - 14, "TRAILER!!!");
        }
}

static void test_device(void **state)
{
        own_buf struct buf b = {};

        cpio_add_device(&b, "dev/console", S_IFCHR | 0600, 5, 1);
        assert_int_equal(field(b.data, 1), S_IFCHR | 0600);
        assert_int_equal(field(b.data, 6), 0);
        assert_int_equal(field(b.data, 9), 5);
        assert_int_equal(field(b.data, 10), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_file), cmocka_unit_test(test_padding),
                                            cmocka_unit_test(test_device) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
