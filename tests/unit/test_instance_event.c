/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/own.h"
#include "instance/event.h"
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

static void read_events(const char *run, const char *name, struct buf *ret)
{
        own_fd int dir = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(fd_read_all(fd, 4 << 20, ret), 0);
}

static void test_a_line(void **state)
{
        static const char *const attributes[] = { "image", "debian:12", "exitCode", "0", NULL };
        own_buf struct buf text = {};

        event_add(*state, &(struct event){ 5, "container", "die", "abc", "web", attributes });
        event_add(*state, &(struct event){ 6, "network", "create", "n\n1", NULL, NULL });
        read_events(*state, "events", &text);
        assert_string_equal(
                buf_str(&text),
                "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"abc\",\"Attributes\":"
                "{\"name\":\"web\",\"image\":\"debian:12\",\"exitCode\":\"0\"}},\"timeNano\":5}\n"
                "{\"Type\":\"network\",\"Action\":\"create\",\"Actor\":{\"ID\":\"n\\n1\",\"Attributes\":{}},"
                "\"timeNano\":6}\n");
}

static void test_now(void **state)
{
        own_buf struct buf text = {};
        const char *at;

        event_add(*state, &(struct event){ 0, "volume", "create", "v", NULL, NULL });
        read_events(*state, "events", &text);
        at = strstr(buf_str(&text), "\"timeNano\":");
        assert_non_null(at);
        assert_true(atoll(at + 11) / 1000000000 >= time(NULL) - 5);
}

static void test_too_long(void **state)
{
        own_mem char *value = malloc(EVENT_MAX);
        const char *const attributes[] = { "label", value, NULL };
        own_buf struct buf text = {};

        memset(value, 'x', EVENT_MAX);
        value[EVENT_MAX - 1] = '\0';
        event_add(*state, &(struct event){ 5, "container", "die", "abc", "web", attributes });
        event_add(*state, &(struct event){ 5, "container", "die", value, "web", NULL });
        read_events(*state, "events", &text);
        assert_string_equal(buf_str(&text), "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"abc\","
                                            "\"Attributes\":{\"name\":\"web\"}},\"timeNano\":5}\n");
}

static void test_rotation(void **state)
{
        own_mem char *value = malloc(EVENT_MAX - 200);
        const char *const attributes[] = { "label", value, NULL };
        own_buf struct buf text = {}, old = {};

        memset(value, 'x', EVENT_MAX - 200);
        value[EVENT_MAX - 201] = '\0';
        for (int64_t i = 1; i <= 17; i++)
                event_add(*state, &(struct event){ i, "container", "die", "abc", "web", attributes });
        event_add(*state, &(struct event){ 18, "container", "die", "abc", "web", NULL });
        read_events(*state, "events.1", &old);
        assert_true(old.len > EVENT_FILE_MAX && old.len < EVENT_FILE_MAX + EVENT_MAX);
        assert_non_null(strstr(buf_str(&old), "\"timeNano\":17}"));
        read_events(*state, "events", &text);
        assert_non_null(strstr(buf_str(&text), "\"timeNano\":18}"));
        assert_true(text.len < 200);
}

static void test_nowhere(void **state)
{
        event_add("/tmp/holt-events-that-are-not-there", &(struct event){ 5, "container", "die", "abc", "web", NULL });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_line, setup, teardown),
                cmocka_unit_test_setup_teardown(test_now, setup, teardown),
                cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
                cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
                cmocka_unit_test(test_nowhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
