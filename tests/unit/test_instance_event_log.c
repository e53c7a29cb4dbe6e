/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/event.h"
#include "instance/event_log.h"
#include "sys/fd.h"

static int setup(void **state)
{
        char *run = strdup("/tmp/holt-events-XXXXXX");

        *state = mkdtemp(run);
        return *state ? 0 : -1;
}

static int teardown(void **state)
{
        int r = fd_remove_tree_at(-1, *state);

        free(*state);
        return r;
}

static void add(const char *run, int64_t time)
{
        event_add(run, &(struct event){ time, "container", "start", "abc", "web", NULL });
}

static void append(const char *run, const char *text)
{
        own_fd int dir = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_fd int fd = openat(dir, "events", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

/* The times of the events, "1 2 3 ". */
static int note(void *userdata, const char *line, size_t len)
{
        const char *at = strstr(line, "\"timeNano\":");
        struct buf *times = userdata;

        assert_int_equal(strlen(line), len);
        if (at)
                buf_addf(times, "%lld ", atoll(at + 11));
        else
                buf_addf(times, "%s ", line);
        return 0;
}

static void expect(struct event_log *log, const char *expected)
{
        own_buf struct buf times = {};

        assert_int_equal(event_log_read(log, note, &times, NULL), 0);
        assert_string_equal(buf_str(&times), expected);
}

static bool is_readable(const struct event_log *log)
{
        struct pollfd p = { .fd = event_log_fd(log), .events = POLLIN };

        return poll(&p, 1, 0) == 1;
}

static void test_follow(void **state)
{
        own_event_log struct event_log *log = NULL;

        add(*state, 1);
        assert_int_equal(event_log_open(*state, true, &log, NULL), 0);
        expect(log, "1 ");
        expect(log, "");
        assert_false(is_readable(log));
        add(*state, 2);
        add(*state, 3);
        assert_true(is_readable(log));
        expect(log, "2 3 ");
        assert_false(is_readable(log));
}

static void test_only_new(void **state)
{
        own_event_log struct event_log *log = NULL, *none = NULL;

        assert_int_equal(event_log_open(*state, false, &none, NULL), 0);
        expect(none, "");
        add(*state, 1);
        expect(none, "1 ");
        assert_int_equal(event_log_open(*state, false, &log, NULL), 0);
        add(*state, 2);
        expect(log, "2 ");
        expect(none, "2 ");
}

static void test_half_lines(void **state)
{
        own_event_log struct event_log *log = NULL;

        append(*state, "fir");
        assert_int_equal(event_log_open(*state, true, &log, NULL), 0);
        expect(log, "");
        append(*state, "st\nsecond\n\nthi");
        expect(log, "first second ");
        append(*state, "rd\n");
        expect(log, "third ");
}

static void test_long_line(void **state)
{
        own_event_log struct event_log *log = NULL;
        own_mem char *line = malloc(EVENT_MAX + 10);

        memset(line, 'x', EVENT_MAX + 9);
        line[EVENT_MAX + 9] = '\0';
        append(*state, "first\n");
        append(*state, line);
        append(*state, "\nsecond\n");
        assert_int_equal(event_log_open(*state, true, &log, NULL), 0);
        expect(log, "first second ");
}

static void rotate(const char *run)
{
        char from[64], to[64];

        snprintf(from, sizeof from, "%s/events", run);
        snprintf(to, sizeof to, "%s/events.1", run);
        assert_int_equal(rename(from, to), 0);
}

static void test_rotation(void **state)
{
        own_event_log struct event_log *log = NULL, *late = NULL;

        assert_int_equal(event_log_open(*state, true, &log, NULL), 0);
        add(*state, 1);
        expect(log, "1 ");
        add(*state, 2);
        rotate(*state);
        add(*state, 3);
        expect(log, "2 3 ");
        assert_int_equal(event_log_open(*state, true, &late, NULL), 0);
        expect(late, "1 2 3 ");
        rotate(*state);
        expect(log, "");
        add(*state, 4);
        rotate(*state);
        add(*state, 5);
        expect(log, "4 5 ");
        expect(late, "4 5 ");
}

/* Who opened the file before it was moved away still adds to it. */
static void test_late_writer(void **state)
{
        own_event_log struct event_log *log = NULL;
        own_fd int dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

        assert_int_equal(event_log_open(*state, true, &log, NULL), 0);
        add(*state, 1);
        fd = openat(dir, "events", O_WRONLY | O_APPEND | O_CLOEXEC);
        rotate(*state);
        add(*state, 2);
        expect(log, "1 2 ");
        assert_int_equal(fd_write_all(fd, "late\n", 5), 0);
        assert_true(is_readable(log));
        expect(log, "late ");
}

/* The reader says when it has enough. */
static int stop(void *userdata, const char *line, size_t len)
{
        return 7;
}

static void test_stop(void **state)
{
        own_event_log struct event_log *log = NULL;
        struct error err;

        add(*state, 1);
        assert_int_equal(event_log_open(*state, true, &log, &err), 0);
        assert_int_equal(event_log_read(log, stop, NULL, &err), 7);
        assert_int_equal(event_log_open("/tmp/holt-events-that-are-not-there", true, &log, &err), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_follow, setup, teardown),
                cmocka_unit_test_setup_teardown(test_only_new, setup, teardown),
                cmocka_unit_test_setup_teardown(test_half_lines, setup, teardown),
                cmocka_unit_test_setup_teardown(test_long_line, setup, teardown),
                cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
                cmocka_unit_test_setup_teardown(test_late_writer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
