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

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_suggestions) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
