/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/live_update.h"

static int parse(const char *text, struct live_update *ret)
{
        own_buf struct buf b = {};

        buf_add_str(&b, text);
        return live_update_parse(&b, ret);
}

static void test_file(void **state)
{
        char path[] = "/tmp/test-live-update-XXXXXX";
        own_live_update struct live_update u = {};
        own_buf struct buf resources = {}, text = {}, again = {};
        own_fd int dir = -1;

        assert_non_null(mkdtemp(path));
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(live_update_read(dir, &text), 0);
        buf_add_str(&resources, "{\"pids\":{\"limit\":7}}");
        assert_int_equal(live_update_write(dir, "on-failure:3", false, &resources), 0);
        assert_int_equal(live_update_read(dir, &text), 1);
        assert_int_equal(live_update_parse(&text, &u), 0);
        assert_int_equal(u.restart.kind, RESTART_ON_FAILURE);
        assert_int_equal(u.restart.max, 3);
        assert_int_equal(live_update_resources(&u, &again), 0);
        assert_string_equal(buf_str(&again), buf_str(&resources));
        unlinkat(dir, "update", 0);
        rmdir(path);
}

static void check_config(const char *update, const char *config, const char *expected)
{
        own_live_update struct live_update u = {};
        own_buf struct buf b = {};

        buf_add_str(&b, config);
        assert_int_equal(parse(update, &u), 0);
        assert_int_equal(live_update_config(&u, &b), 0);
        assert_string_equal(buf_str(&b), expected);
}

static void test_config(void **state)
{
        const char *update =
                "{\"config\":{\"linux\":{\"resources\":{\"memory\":{\"limit\":2},\"pids\":{\"limit\":3}}}}}";

        check_config(
                update,
                "{\"a\":[1],\"linux\":{\"resources\":{\"devices\":[],\"memory\":{\"limit\":1,\"swap\":9}},\"x\":null}}",
                "{\"a\":[1],\"linux\":{\"resources\":{\"devices\":[],\"memory\":{\"limit\":2,\"swap\":9},"
                "\"pids\":{\"limit\":3}},\"x\":null}}");
        /* One that has no cgroup has no limits. */
        check_config(update, "{\"linux\":{\"resources\":{\"devices\":[]}}}",
                     "{\"linux\":{\"resources\":{\"devices\":[]}}}");
        check_config(update, "{}", "{}");
        /* A machine's job has them twice: the host's and the guest's. */
        check_config(
                "{\"config\":{\"machine\":{\"memory\":2,\"limits\":{\"cpu\":{\"quota\":5}}},\"spec\":{\"linux\":{"
                "\"resources\":{\"memory\":{\"limit\":3}}}}}}",
                "{\"machine\":{\"disk\":\"/d\",\"memory\":1,\"limits\":{\"cpu\":{\"quota\":9}}},\"spec\":{\"x\":1}}",
                "{\"machine\":{\"disk\":\"/d\",\"memory\":2,\"limits\":{\"cpu\":{\"quota\":5}}},\"spec\":{\"x\":1,"
                "\"linux\":{\"resources\":{\"memory\":{\"limit\":3}}}}}");
}

static void test_what_makes_no_sense(void **state)
{
        own_live_update struct live_update u = {};
        own_buf struct buf none = {};

        assert_int_equal(parse("", &u), -EINVAL);
        assert_int_equal(parse("[]", &u), -EINVAL);
        assert_int_equal(parse("{}", &u), -EINVAL);
        assert_int_equal(parse("{\"restart\":\"sometimes\",\"config\":{}}", &u), -EINVAL);
        assert_int_equal(parse("{\"config\":{\"linux\":[]}}", &u), 0);
        assert_int_equal(live_update_resources(&u, &none), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_file),
                cmocka_unit_test(test_config),
                cmocka_unit_test(test_what_makes_no_sense),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
