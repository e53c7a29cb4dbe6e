/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <string.h>

#include "base/own.h"
#include "cli/suggest.h"

static void test_suggestions(void **state)
{
        static const struct cli_command commands[] = {
                { .name = "images" },
                { .name = "image" },
                { .name = "image ls" },
                { .name = "image prune" },
                { .name = "rmi" },
                { .name = "system prune" },
                {},
        };
        static const struct cli_program program = { .commands = commands };
        static const struct {
                const char *group, *typed, *found;
        } cases[] = {
                { NULL, "imgaes", "images" },
                { NULL, "imags", "images" },
                { NULL, "imge", "image" },
                { NULL, "rim", "rmi" },
                { NULL, "prune", NULL },
                { NULL, "frobnicate", NULL },
                { NULL, "", NULL },
                { "image", "purne", "image prune" },
                { "image", "sl", "image ls" },
                { "image", "images", NULL },
                { "system", "prnue", "system prune" },
                { "container", "ls", NULL },
                { NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *found = suggest_command(&program, cases[i].group, cases[i].typed);

                if (cases[i].found)
                        assert_string_equal(found, cases[i].found);
                else
                        assert_null(found);
        }
}

static void test_options(void **state)
{
        static const struct cli_option options[] = { { .name = "memory" },
                                                     { .name = "memory-swap" },
                                                     { .name = "rm" } };
        static const struct cli_command command = { .options = options, .n_options = ARRAY_SIZE(options) };

        assert_string_equal(suggest_option(&command, "memroy=5", 6), "memory");
        assert_string_equal(suggest_option(&command, "mem-swap", 8) ? "near" : "none", "none");
        assert_string_equal(suggest_option(&command, "memory-sawp", 11), "memory-swap");
        assert_string_equal(suggest_option(&command, "mr", 2), "rm");
        assert_null(suggest_option(&command, "frobnicate", 10));
        assert_null(suggest_option(&command, "x", 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_suggestions), cmocka_unit_test(test_options) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
