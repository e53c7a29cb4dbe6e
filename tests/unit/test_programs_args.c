/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "oci_options.h"
#include "base/duration.h"
#include "cli/path.h"
#include "cli/process_table.h"
#include "cli/table.h"

#define PARSE(command, ret, err, ...) parse(command, (const char *[]){ __VA_ARGS__, NULL }, ret, err)

static int parse(const char *command, const char **argv, struct args *ret, struct error *err)
{
        const struct cli_command *c = *command ? cli_find(&oci_program, command) : oci_program.global;
        int argc = 0;

        assert_non_null(c);
        while (argv[argc])
                argc++;
        return args_parse(c, argc, (char **)argv, ret, err);
}

static void test_spellings(void **state)
{
        static const char *const forms[][2] = {
                { "--bundle", "/b" }, { "--bundle=/b", NULL }, { "-bundle", "/b" }, { "-bundle=/b", NULL },
                { "-b", "/b" },       { "-b=/b", NULL },       { "--b=/b", NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                const char *argv[4] = { forms[i][0] };
                own_args struct args a = {};
                struct error err;
                int n = 1;

                if (forms[i][1])
                        argv[n++] = forms[i][1];
                argv[n] = "web";
                assert_int_equal(parse("create", argv, &a, &err), 0);
                assert_string_equal(args_str(&a, OPTION_BUNDLE), "/b");
                assert_int_equal(a.n_operands, 1);
                assert_string_equal(a.operands[0], "web");
                assert_null(a.operands[1]);
        }
}

static void test_options_behind_operands(void **state)
{
        own_args struct args a = {}, b = {};
        struct error err;

        assert_int_equal(PARSE("delete", &a, &err, "web", "--force"), 0);
        assert_true(args_flag(&a, OPTION_FORCE));
        assert_int_equal(a.n_operands, 1);
        assert_int_equal(PARSE("delete", &b, &err, "--", "web", "--force"), 0);
        assert_false(args_flag(&b, OPTION_FORCE));
        assert_int_equal(b.n_operands, 2);
        assert_int_equal(args_check(&b, &err), -EMISUSED);
}

static void test_arguments_passed_on(void **state)
{
        own_args struct args a = {}, b = {}, c = {};
        struct error err;

        assert_int_equal(PARSE("exec", &a, &err, "-t", "web", "ls", "-l", "--tty=false", "--", "-d"), 0);
        assert_true(args_flag(&a, OPTION_TTY));
        assert_int_equal(a.n_operands, 6);
        assert_string_equal(a.operands[4], "--");
        assert_int_equal(PARSE("exec", &b, &err, "web", "--", "ls", "--"), 0);
        assert_int_equal(b.n_operands, 3);
        assert_string_equal(b.operands[1], "ls");
        assert_string_equal(b.operands[2], "--");
        assert_int_equal(PARSE("ps", &c, &err, "web", "-f"), 0);
        assert_int_equal(c.n_operands, 2);
        assert_false(args_has(&c, OPTION_FORMAT));
}

static void test_program_options(void **state)
{
        own_args struct args a = {};
        struct error err;

        assert_int_equal(PARSE("", &a, &err, "-root", "/r", "--debug", "create", "--bundle", "x", "--", "y"), 0);
        assert_string_equal(args_str(&a, OPTION_ROOT), "/r");
        assert_true(args_flag(&a, OPTION_DEBUG));
        assert_int_equal(a.n_operands, 5);
        assert_string_equal(a.operands[0], "create");
}

static void test_switches(void **state)
{
        static const struct {
                const char *text;
                bool on;
        } cases[] = {
                { "--detach", true },        { "-d", true },    { "--detach=true", true }, { "--detach=1", true },
                { "--detach=false", false }, { "-d=F", false }, { "-d=0", false },         { "--detach=T", true },
        };
        own_args struct args last = {};
        struct args bad = {};
        struct error err;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                own_args struct args a = {};

                assert_int_equal(PARSE("run", &a, &err, cases[i].text, "web"), 0);
                assert_true(args_has(&a, OPTION_DETACH));
                assert_int_equal(args_flag(&a, OPTION_DETACH), cases[i].on);
                assert_false(args_flag(&a, OPTION_KEEP));
                assert_int_equal(a.n_operands, 1);
        }
        assert_int_equal(PARSE("run", &last, &err, "-d", "--detach=false", "web"), 0);
        assert_false(args_flag(&last, OPTION_DETACH));
        assert_int_equal(PARSE("run", &bad, &err, "--detach=yes", "web"), -EMISUSED);
        assert_string_equal(err.text, "option --detach: \"yes\" is neither true nor false");
        assert_int_equal(PARSE("run", &bad, &err, "--detach=", "web"), -EMISUSED);
        assert_null(bad.given);
}

static void test_lists(void **state)
{
        own_mem const char **env = NULL, **caps = NULL;
        own_args struct args a = {};
        struct error err;

        assert_int_equal(PARSE("exec", &a, &err, "-e", "A=1", "--env=B=2", "--cwd", "/", "--env", "", "-env=-e", "web"),
                         0);
        assert_int_equal(args_list(&a, OPTION_ENV, &env, &err), 0);
        assert_string_equal(env[0], "A=1");
        assert_string_equal(env[1], "B=2");
        assert_string_equal(env[2], "");
        assert_string_equal(env[3], "-e");
        assert_null(env[4]);
        assert_int_equal(args_list(&a, OPTION_CAP, &caps, &err), 0);
        assert_null(caps);
}

static void test_last_value_counts(void **state)
{
        own_args struct args a = {}, b = {};
        struct error err;

        assert_int_equal(PARSE("run", &a, &err, "-b", "x", "--bundle=y", "web"), 0);
        assert_string_equal(args_str(&a, OPTION_BUNDLE), "y");
        assert_int_equal(PARSE("run", &b, &err, "-b", "x", "--bundle=", "web"), 0);
        assert_null(args_str(&b, OPTION_BUNDLE));
        assert_true(args_has(&b, OPTION_BUNDLE));
}

static void test_numbers(void **state)
{
        own_args struct args a = {};
        struct error err;
        uint32_t u32 = 42;
        uint64_t u64 = 42;
        int64_t i64 = 42;

        assert_int_equal(PARSE("update", &a, &err, "--cpu-quota", "-1", "--memory=512m", "--cpu-period",
                               "18446744073709551615", "--pids-limit=1e3", "--cpu-burst=+1", "--memory-swap=x",
                               "--blkio-weight=4294967296", "web"),
                         0);
        assert_int_equal(args_i64(&a, OPTION_CPU_QUOTA, &i64, &err), 1);
        assert_int_equal(i64, -1);
        assert_int_equal(args_size(&a, OPTION_MEMORY, &i64, &err), 1);
        assert_int_equal(i64, 512 << 20);
        assert_int_equal(args_u64(&a, OPTION_CPU_PERIOD, &u64, &err), 1);
        assert_true(u64 == UINT64_MAX);
        u64 = 42;
        assert_int_equal(args_u64(&a, OPTION_CPU_SHARE, &u64, &err), 0);
        assert_int_equal(args_u64(&a, OPTION_CPU_BURST, &u64, &err), -EMISUSED);
        assert_string_equal(err.text, "option --cpu-burst: invalid value \"+1\"");
        assert_int_equal(u64, 42);
        assert_int_equal(args_i64(&a, OPTION_PIDS_LIMIT, &i64, &err), -EMISUSED);
        assert_int_equal(args_size(&a, OPTION_MEMORY_SWAP, &i64, &err), -EMISUSED);
        assert_int_equal(args_u32(&a, OPTION_BLKIO_WEIGHT, &u32, &err), -EMISUSED);
        assert_int_equal(u32, 42);
}

static void test_errors(void **state)
{
        struct args a = {};
        struct error err;

        assert_int_equal(PARSE("create", &a, &err, "--nope", "web"), -EMISUSED);
        assert_string_equal(err.text, "unknown option \"--nope\"");
        assert_int_equal(PARSE("create", &a, &err, "--bund=x", "web"), -EMISUSED);
        assert_string_equal(err.text, "unknown option \"--bund\"");
        assert_int_equal(PARSE("create", &a, &err, "--=x"), -EMISUSED);
        assert_int_equal(PARSE("exec", &a, &err, "-td", "web"), -EMISUSED);
        assert_int_equal(PARSE("create", &a, &err, "web", "--bundle"), -EMISUSED);
        assert_string_equal(err.text, "option --bundle needs a value");
        assert_null(a.given);
}

static void test_operand_counts(void **state)
{
        static const struct {
                const char *command;
                unsigned min, max;
        } cases[] = {
                { "create", 1, 1 }, { "run", 1, 1 },   { "state", 1, 1 }, { "kill", 1, 2 },     { "list", 0, 0 },
                { "spec", 0, 0 },   { "exec", 1, 50 }, { "ps", 1, 50 },   { "features", 0, 0 }, { "help", 0, 1 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                for (unsigned n = 0; n < 5; n++) {
                        const char *argv[6] = { "a", "b", "c", "d", "e" };
                        own_args struct args a = {};
                        struct error err;
                        bool good = n >= cases[i].min && n <= cases[i].max;

                        argv[n] = NULL;
                        assert_int_equal(parse(cases[i].command, argv, &a, &err), 0);
                        assert_int_equal(args_check(&a, &err), good ? 0 : -EMISUSED);
                }
        }
}

/* Every option of every command can be found by its names, and the help names it. */
static void test_tables(void **state)
{
        size_t n = 0;

        for (const struct cli_command *c = oci_program.commands; c->name; c++, n++) {
                assert_non_null(strstr(c->help, c->name));
                for (size_t i = 0; i < c->n_options; i++) {
                        const struct cli_option *o = &c->options[i];
                        char name[64];

                        snprintf(name, sizeof name, "--%s", o->name);
                        assert_non_null(strstr(c->help, name));
                        for (size_t j = 0; j < i; j++) {
                                assert_int_not_equal(o->id, c->options[j].id);
                                assert_true(!o->short_name || o->short_name != c->options[j].short_name);
                        }
                }
        }
        assert_int_equal(n, 18);
}

static void test_help_on_any_line(void **state)
{
        own_args struct args a = {};
        struct error err;

        assert_int_equal(PARSE("create", &a, &err, "a", "b", "-h", "--nope"), 0);
        assert_true(args_flag(&a, OPTION_HELP));
}

static void test_durations(void **state)
{
        static const struct {
                const char *text;
                uint64_t ns;
        } good[] = {
                { "5s", 5000000000 },
                { "100ms", 100000000 },
                { "1m30s", 90000000000 },
                { "1.5h", 5400000000000 },
                { ".5s", 500000000 },
                { "1us1ns", 1001 },
                { "0s", 0 },
        };
        static const char *const bad[] = {
                "", "5", "s", "-5s", "5 s", "5sec", "5s ", "1..5s", ".s", "99999999999h", "12345678901234567890ns"
        };
        uint64_t ns = 7;

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                assert_int_equal(duration_parse(good[i].text, &ns), 0);
                assert_true(ns == good[i].ns);
        }
        ns = 7;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_int_equal(duration_parse(bad[i], &ns), -EINVAL);
                assert_int_equal(ns, 7);
        }
}

static void test_paths(void **state)
{
        static const char *const cases[][2] = {
                { "/", "/" },
                { "//", "/" },
                { "/a", "/a" },
                { "/a/", "/a" },
                { "/a//b/./c", "/a/b/c" },
                { "/..", "/" },
                { "/a/../..", "/" },
                { "/a/b/../c", "/a/c" },
                { "/a/...", "/a/..." },
                { "/.a", "/.a" },
        };
        char *path, *cwd = getcwd(NULL, 0);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(path_absolute(cases[i][0], &path), 0);
                assert_string_equal(path, cases[i][1]);
                free(path);
        }
        assert_int_equal(path_absolute(".", &path), 0);
        assert_string_equal(path, cwd);
        free(path);
        assert_int_equal(path_absolute("x/..", &path), 0);
        assert_string_equal(path, cwd);
        free(path);
        free(cwd);
}

static void test_process_table(void **state)
{
        static const char listing[] = "UID          PID    PPID CMD\n"
                                      "root           1       0 init\n"
                                      "root          17       1 sh -c 1\n"
                                      "root         171      17 sleep 17";
        const pid_t pids[] = { 17, 99 };
        own_buf struct buf out = {}, rest = {};

        assert_int_equal(process_table_filter(listing, pids, 2, &out), 0);
        assert_string_equal(buf_str(&out), "UID          PID    PPID CMD\nroot          17       1 sh -c 1\n");
        assert_int_equal(process_table_filter("USER COMMAND\nroot sh\n", pids, 2, &rest), -EINVAL);
        assert_int_equal(process_table_filter("", pids, 2, &rest), -EINVAL);
        assert_int_equal(process_table_filter("CMD PID\nsh -c 1\n", pids, 2, &rest), -EINVAL);
        assert_int_equal(process_table_filter("CMD PID\nsh\n", pids, 2, &rest), -EINVAL);
}

static void test_table(void **state)
{
        own_table struct table t = { .columns = 3, .min_width = 6, .gap = 2 };
        own_buf struct buf out = {};

        assert_int_equal(table_add(&t, (const char *[]){ "ID", "PID", "X" }), 0);
        assert_int_equal(table_add(&t, (const char *[]){ "longer", NULL, "" }), 0);
        table_write(&t, &out);
        assert_string_equal(buf_str(&out), "ID      PID   X\nlonger        \n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_spellings),
                cmocka_unit_test(test_options_behind_operands),
                cmocka_unit_test(test_arguments_passed_on),
                cmocka_unit_test(test_program_options),
                cmocka_unit_test(test_switches),
                cmocka_unit_test(test_lists),
                cmocka_unit_test(test_last_value_counts),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_operand_counts),
                cmocka_unit_test(test_tables),
                cmocka_unit_test(test_help_on_any_line),
                cmocka_unit_test(test_durations),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_process_table),
                cmocka_unit_test(test_table),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
