/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "instance/process_row.h"
#include "sys/fd.h"

static const struct process_clock now = { .now = 1700001000, .boot = 1700000000, .ticks = 100 };

static int setup(void **state)
{
        char *proc = strdup("/tmp/holt-proc-XXXXXX");

        setenv("TZ", "UTC", 1);
        *state = mkdtemp(proc);
        return *state ? 0 : -1;
}

static int teardown(void **state)
{
        int r = fd_remove_tree_at(-1, *state);

        free(*state);
        return r;
}

static void put(const char *proc, const char *file, const char *data, size_t len)
{
        char path[128];
        own_fd int fd = -1;

        snprintf(path, sizeof path, "%s/7", proc);
        mkdir(path, 0755);
        snprintf(path, sizeof path, "%s/7/%s", proc, file);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_int_equal(fd_write_all(fd, data, len), 0);
}

static void put_text(const char *proc, const char *file, const char *text)
{
        put(proc, file, text, strlen(text));
}

static void test_row(void **state)
{
        own_process_row struct process_row r = {};

        /* 900 s old, 100 + 350 ticks; pts/3 */
        put_text(*state, "stat", "7 (a) b (c) S 5 7 7 34819 7 0 0 0 0 0 100 350 0 0 20 0 1 0 10000 0 0\n");
        put_text(*state, "status", "Name:\ta\nUid:\t1000\t1001\t1000\t1000\nGid:\t0\t0\t0\t0\n");
        put(*state, "cmdline", "sh\0-c\0a\033[2J\n\0", 14);
        assert_int_equal(process_row_read(*state, 7, &now, &r), 0);
        assert_int_equal(r.pid, 7);
        assert_int_equal(r.ppid, 5);
        assert_int_equal(r.uid, 1001);
        assert_int_equal(r.percent, 0);
        assert_string_equal(r.stime, "22:15");
        assert_string_equal(r.tty, "pts/3");
        assert_string_equal(r.time, "00:00:04");
        assert_string_equal(buf_str(&r.command), "sh -c a\033[2J\n");
}

static void test_dead(void **state)
{
        own_process_row struct process_row r = {};

        put_text(*state, "stat", "7 (x) Z 5 7 7 0 7 0 0 0 0 0 1000000 0 0 0 20 0 1 0 0 0 0\n");
        put_text(*state, "cmdline", "");
        assert_int_equal(process_row_read(*state, 7, &now, &r), 0);
        assert_string_equal(buf_str(&r.command), "[x] <defunct>");
        assert_string_equal(r.tty, "?");
        assert_int_equal(r.percent, 1000);
        assert_string_equal(r.time, "02:46:40");
}

static void test_nonsense(void **state)
{
        static const char *const texts[] = { "", "7", "7 (x", "7 (x) S", "7 x) S 1 2 3", "7 (x)S 1 2 3 4 5" };
        struct process_row r;

        assert_int_equal(process_row_read(*state, 7, &now, &r), -ESRCH);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                put_text(*state, "stat", texts[i]);
                assert_int_equal(process_row_read(*state, 7, &now, &r), -ESRCH);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_row, setup, teardown),
                cmocka_unit_test_setup_teardown(test_dead, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
