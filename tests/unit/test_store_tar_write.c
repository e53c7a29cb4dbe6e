/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/own.h"
#include "check.h"
#include "store/tar_write.h"

struct input {
        const char *data;
        size_t n;
};

static ssize_t give(void *userdata, const void **ret, struct error *err)
{
        struct input *in = userdata;
        size_t n = in->n;

        *ret = in->data;
        in->n = 0;
        return (ssize_t)n;
}

/* What the reader makes of it. */
static void expect(enum tar_type type, const char *name, uint64_t size)
{
        own_buf struct buf text = {};
        struct input in;
        own_tar_reader struct tar_reader *tar = tar_reader_new(give, NULL, &in);
        struct tar_entry e;
        struct error err = {};

        tar_write_header(&text, type, name, size);
        in = (struct input){ text.data, text.len };
        assert_false(buf_failed(&text));
        assert_int_equal(text.len % TAR_BLOCK, 0);
        assert_true(tar_begins_with(text.data, text.len));
        assert_int_equal(tar_reader_next(tar, &e, &err), 1);
        assert_int_equal(e.type, type);
        assert_string_equal(e.path, name);
        assert_int_equal(e.size, size);
        assert_int_equal(e.mode, type == TAR_DIRECTORY ? 0755 : 0644);
        assert_int_equal(e.uid, 0);
        assert_int_equal(e.mtime, 0);
}

static void test_names(void **state)
{
        char name[4000];

        for (size_t n = 1; n < sizeof name; n += n < 120 ? 1 : 97) {
                memset(name, 'n', n);
                name[n] = '\0';
                expect(TAR_FILE, name, 1);
        }
        expect(TAR_DIRECTORY, "blobs/sha256/", 0);
}

static void test_sizes(void **state)
{
        static const uint64_t sizes[] = { 0, 511, 512, UINT64_C(077777777777), UINT64_C(0100000000000), INT64_MAX };

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
                expect(TAR_FILE, "file", sizes[i]);
}

static void test_end(void **state)
{
        own_buf struct buf text = {};

        tar_write_end(&text);
        assert_int_equal(text.len, 2 * TAR_BLOCK);
        assert_true(tar_begins_with(text.data, text.len));
        assert_false(tar_begins_with(text.data, TAR_BLOCK - 1));
        text.data[0] = 'x';
        assert_false(tar_begins_with(text.data, text.len));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
