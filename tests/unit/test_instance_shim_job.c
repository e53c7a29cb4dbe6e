/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/shim_job.h"

static struct instance an_instance(void)
{
        return (struct instance){ .name = (char *)"web",
                                  .image_name = (char *)"debian:12",
                                  .backend = &backend_container,
                                  .state = { .exit_code = 7 } };
}

static void test_there_and_back(void **state)
{
        static const char *const test[] = { "CMD-SHELL", "curl -f localhost", NULL };
        static const char *const log[] = { "max-size=10m", "max-file=3", NULL };
        struct instance i = an_instance();
        own_shim_job struct shim_job there = {}, back = {};
        own_buf struct buf out = {};
        const char *config;
        size_t len;
        struct error err;

        i.options.restart = "on-failure:5";
        i.options.stop_signal = "SIGQUIT";
        i.options.stop_timeout = "-1";
        i.options.health_test = test;
        i.options.health_interval = "1m30s";
        i.options.log_opt = log;
        i.options.rm = false;
        i.options.tty = true;
        assert_int_equal(shim_job_of(&i, &there, &err), 0);
        there.holt = "/usr/bin/holt";
        there.has_root = there.attach = true;
        assert_int_equal(shim_job_write(&there, &i, &out), 0);
        buf_add_str(&out, "{\"ociVersion\":\"1.2.0\"}");
        assert_int_equal(shim_job_read((unsigned char *)out.data, out.len, &back, &config, &len, &err), 0);
        assert_int_equal(len, 22);
        assert_memory_equal(config, "{\"ociVersion\"", 13);
        assert_string_equal(back.name, "web");
        assert_string_equal(back.image, "debian:12");
        assert_string_equal(back.holt, "/usr/bin/holt");
        assert_true(back.tty && back.attach && back.has_root && !back.has_netns && !back.interactive && !back.cleanup);
        assert_int_equal(back.stop_signal, SIGQUIT);
        assert_int_equal(back.stop_timeout, -1);
        assert_int_equal(back.restart.kind, RESTART_ON_FAILURE);
        assert_int_equal(back.restart.max, 5);
        assert_int_equal(back.log.max_size, 10 << 20);
        assert_int_equal(back.log.max_files, 3);
        assert_string_equal(back.health.test[1], "curl -f localhost");
        assert_null(back.health.test[2]);
        assert_true(back.health.interval == 90000000000);
        assert_int_equal(back.health.retries, 3);
        assert_int_equal(back.before.exit_code, 7);
        /* Nothing that is cut off is taken. */
        for (size_t n = 0; n < out.len - 22; n++) {
                struct shim_job cut = {};

                assert_int_equal(shim_job_read((unsigned char *)out.data, n, &cut, &config, &len, &err), -EINVAL);
        }
}

static void test_what_makes_no_sense(void **state)
{
        static const char *const bad_log[] = { "max-size=lots", NULL }, *const lonely[] = { "max-file=3", NULL };
        struct shim_job j;
        struct error err;
        struct instance bad[8];
        size_t n = 0;

        for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
                bad[k] = an_instance();
        bad[n++].options.restart = "sometimes";
        bad[n++].options.restart = "always:3";
        bad[n++].options.stop_signal = "SIGNOTHING";
        bad[n++].options.stop_timeout = "soon";
        bad[n++].options.log_opt = bad_log;
        bad[n++].options.log_opt = lonely;
        bad[n++].options.log_driver = "syslog";
        bad[n].options.rm = true;
        bad[n++].options.restart = "always";
        for (size_t k = 0; k < n; k++)
                assert_int_equal(shim_job_of(&bad[k], &j, &err), -EINVAL);
}

static void test_restarts(void **state)
{
        const int64_t ms = 1000000;
        struct restart_policy p;
        int64_t delay = 0;

        assert_int_equal(restart_policy_parse("on-failure:2", &p, NULL), 0);
        assert_true(restart_policy_wants(&p, 1, 1));
        assert_false(restart_policy_wants(&p, 1, 2));
        assert_false(restart_policy_wants(&p, 0, 0));
        assert_int_equal(restart_policy_parse("unless-stopped", &p, NULL), 0);
        assert_true(restart_policy_wants(&p, 0, 1000));
        assert_int_equal(restart_policy_parse(NULL, &p, NULL), 0);
        assert_false(restart_policy_wants(&p, 1, 0));
        for (int i = 0; i < 3; i++)
                delay = restart_delay(delay, 0);
        assert_true(delay == 400 * ms);
        for (int i = 0; i < 20; i++)
                delay = restart_delay(delay, 0);
        assert_true(delay == 60000 * ms);
        assert_true(restart_delay(delay, 10000 * ms) == 100 * ms);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_what_makes_no_sense),
                cmocka_unit_test(test_restarts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
