/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/log_read.h"
#include "sys/fd.h"

static int setup(void **state)
{
        char *dir = strdup("/tmp/holt-log-XXXXXX");

        *state = mkdtemp(dir);
        return *state ? 0 : -1;
}

static int teardown(void **state)
{
        int r = fd_remove_tree_at(-1, *state);

        free(*state);
        return r;
}

/* A file with one line a character. */
static void write_log(int dir, const char *name, const char *lines)
{
        own_fd int fd = openat(dir, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        own_buf struct buf text = {};

        for (; *lines; lines++)
                buf_addf(&text, "{\"log\":\"%c\\n\",\"stream\":\"stdout\",\"time\":\"2024-01-01T00:00:00Z\"}\n",
                         *lines);
        assert_int_equal(fd_write_all(fd, text.data, text.len), 0);
}

static int note(void *userdata, const struct log_entry *entry)
{
        buf_add(userdata, entry->text, 1);
        return 0;
}

/* All lines that there are by now. */
static void assert_lines(struct log_reader *r, const char *expected)
{
        own_buf struct buf lines = {};
        struct error err;

        assert_int_equal(log_reader_each(r, note, &lines, &err), 0);
        assert_string_equal(buf_str(&lines), expected);
}

static void rename_log(int dir, const char *from, const char *to)
{
        assert_int_equal(renameat(dir, from, dir, to), 0);
}

/* Files are renamed one by one: in between there is a gap, or none that is written to. */
static void test_gap(void **state)
{
        own_fd int dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_log_reader struct log_reader all = {}, tail = {};

        write_log(dir, "log.3", "ab");
        write_log(dir, "log.2", "c");
        write_log(dir, "log", "de");
        log_reader_open(&all, dir, -1);
        assert_lines(&all, "abcde");
        log_reader_open(&tail, dir, 4);
        assert_lines(&tail, "bcde");
}

static void test_follow_through_rotation(void **state)
{
        own_fd int dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_log_reader struct log_reader r = {};

        write_log(dir, "log", "a");
        log_reader_open(&r, dir, -1);
        assert_lines(&r, "a");
        write_log(dir, "log", "b");
        rename_log(dir, "log", "log.1");
        write_log(dir, "log", "c");
        /* A second one stands in its midst. */
        rename_log(dir, "log.1", "log.2");
        rename_log(dir, "log", "log.1");
        assert_lines(&r, "bc");
        write_log(dir, "log", "d");
        rename_log(dir, "log.2", "log.3");
        rename_log(dir, "log.1", "log.2");
        assert_lines(&r, "d");
}

/* Who is slower than the rotation goes on with the oldest that there is. */
static void test_overtaken(void **state)
{
        own_fd int dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_log_reader struct log_reader r = {};

        write_log(dir, "log", "a");
        log_reader_open(&r, dir, -1);
        assert_lines(&r, "a");
        rename_log(dir, "log", "log.1");
        write_log(dir, "log", "c");
        assert_int_equal(unlinkat(dir, "log.1", 0), 0);
        assert_lines(&r, "c");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_gap, setup, teardown),
                cmocka_unit_test_setup_teardown(test_follow_through_rotation, setup, teardown),
                cmocka_unit_test_setup_teardown(test_overtaken, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
