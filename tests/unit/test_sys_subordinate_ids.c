/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/subordinate_ids.h"

/* Nobody has a name with this number. */
enum { UID = 3999999999 };

static struct id_mappings find(struct arena *a, const char *text)
{
        char path[] = "/tmp/subuid-XXXXXX";
        int fd = mkstemp(path);
        struct id_mappings m;

        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
        assert_int_equal(subordinate_ids_find(path, UID, 7, a, &m, NULL), 0);
        close(fd);
        unlink(path);
        assert_true(m.n >= 1);
        assert_int_equal(m.v[0].container_id, 0);
        assert_int_equal(m.v[0].host_id, 7);
        assert_int_equal(m.v[0].size, 1);
        return m;
}

static void test_ranges_follow_one_another(void **state)
{
        struct arena a = {};
        struct id_mappings m = find(&a, "other:1:5\n3999999999:100000:65536\n3999999999:500:10");

        assert_int_equal(m.n, 3);
        assert_int_equal(m.v[1].container_id, 1);
        assert_int_equal(m.v[1].host_id, 100000);
        assert_int_equal(m.v[1].size, 65536);
        assert_int_equal(m.v[2].container_id, 65537);
        assert_int_equal(m.v[2].host_id, 500);
        assert_int_equal(m.v[2].size, 10);
        arena_finish(&a);
}

static void test_lines_that_say_nothing(void **state)
{
        static const char *const lines[] = {
                "",
                "\n\n",
                "3999999999",
                "3999999999:1",
                "3999999999:1:",
                "3999999999::1",
                "3999999999:1:0",
                "3999999999:1:2:3",
                "3999999999:-1:2",
                "3999999999: 1:2",
                "3999999999:1:4294967296",
                "3999999999:4294967295:1",
                "3999999999:4294967000:296",
                "39999999999:1:2",
        };
        struct arena a = {};

        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
                assert_int_equal(find(&a, lines[i]).n, 1);
        arena_finish(&a);
}

static void test_more_lines_than_the_kernel_takes(void **state)
{
        struct buf text = {};
        struct arena a = {};

        for (unsigned i = 0; i < 1000; i++)
                buf_addf(&text, "3999999999:%u:2\n", 100000 + 10 * i);
        assert_true(find(&a, buf_str(&text)).n <= 340);
        buf_finish(&text);
        arena_finish(&a);
}

static void test_no_file(void **state)
{
        struct arena a = {};
        struct id_mappings m;

        assert_int_equal(subordinate_ids_find("/nowhere/subuid", UID, 7, &a, &m, NULL), 0);
        assert_int_equal(m.n, 1);
        arena_finish(&a);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ranges_follow_one_another),
                cmocka_unit_test(test_lines_that_say_nothing),
                cmocka_unit_test(test_more_lines_than_the_kernel_takes),
                cmocka_unit_test(test_no_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
