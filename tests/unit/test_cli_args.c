/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's habits; those of runc are tested with holt-oci's own tables. */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/own.h"
#include "cli/args.h"

enum { ALL = OPTION_HELP + 1, QUIET, FILE_NAME, LIST };

static const struct cli_option options[] = {
        { "help", 'h', CLI_SWITCH, OPTION_HELP }, { "all", 'a', CLI_SWITCH, ALL }, { "quiet", 'q', CLI_SWITCH, QUIET },
        { "file", 'f', CLI_VALUE, FILE_NAME },    { "list", 'l', CLI_LIST, LIST },
};

static int parse(bool ends, const char **argv, struct args *ret, struct error *err)
{
        static const struct cli_command commands[] = {
                { .name = "open",
                  .options = options,
                  .n_options = ARRAY_SIZE(options),
                  .max_operands = UINT_MAX,
                  .joined = true },
                { .name = "run",
                  .options = options,
                  .n_options = ARRAY_SIZE(options),
                  .max_operands = UINT_MAX,
                  .joined = true,
                  .options_end_at_operand = true },
        };
        int argc = 0;

        while (argv[argc])
                argc++;
        return args_parse(&commands[ends], argc, (char **)argv, ret, err);
}

#define PARSE(ends, ret, err, ...) parse(ends, (const char *[]){ __VA_ARGS__, NULL }, ret, err)

static void test_joined(void **state)
{
        own_args struct args a = {}, b = {}, c = {}, d = {};
        struct error err;

        assert_int_equal(PARSE(false, &a, &err, "-aq", "x"), 0);
        assert_true(args_flag(&a, ALL) && args_flag(&a, QUIET));
        assert_int_equal(a.n_operands, 1);
        assert_int_equal(PARSE(false, &b, &err, "-aqfNAME", "-lx=1", "-l", "y", "-l=z"), 0);
        assert_string_equal(args_str(&b, FILE_NAME), "NAME");
        assert_int_equal(b.n_given, 6);
        assert_string_equal(b.given[3].value, "x=1");
        assert_string_equal(b.given[4].value, "y");
        assert_string_equal(b.given[5].value, "z");
        assert_int_equal(PARSE(false, &c, &err, "-aqf", "-q", "-"), 0);
        assert_string_equal(args_str(&c, FILE_NAME), "-q");
        assert_string_equal(c.operands[0], "-");
        assert_int_equal(PARSE(false, &d, &err, "-aaaaaaaaaaaaaaaa", "-qa=false"), 0);
        assert_false(args_flag(&d, ALL));
        assert_true(args_flag(&d, QUIET));
}

static void test_long(void **state)
{
        own_args struct args a = {}, b = {};
        struct error err;

        assert_int_equal(PARSE(false, &a, &err, "x", "--all", "--file=", "--list", "1", "--", "--quiet"), 0);
        assert_true(args_flag(&a, ALL));
        assert_true(args_has(&a, FILE_NAME));
        assert_null(args_str(&a, FILE_NAME));
        assert_int_equal(a.n_operands, 2);
        assert_false(args_has(&a, QUIET));
        /* What follows the first operand is the program's. */
        assert_int_equal(PARSE(true, &b, &err, "-a", "image", "--", "ls", "-q"), 0);
        assert_int_equal(b.n_operands, 4);
        assert_string_equal(b.operands[1], "--");
}

static void test_errors(void **state)
{
        static const struct {
                const char *argv[3], *text;
        } cases[] = {
                { { "-x" }, "unknown option \"-x\"" },
                { { "-ax" }, "unknown option \"-x\" in \"-ax\"" },
                { { "-al" }, "option -l needs a value" },
                { { "-af" }, "option -f needs a value" },
                { { "-a=maybe" }, "option -a: \"maybe\" is neither true nor false" },
                { { "--a" }, "unknown option \"--a\"" },
                { { "--file" }, "option --file needs a value" },
                { { "--all=maybe" }, "option --all: \"maybe\" is neither true nor false" },
        };
        struct error err;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct args a = {};

                assert_int_equal(parse(false, (const char **)cases[i].argv, &a, &err), -EMISUSED);
                assert_string_equal(err.text, cases[i].text);
                assert_null(a.given);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_joined),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
