/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <string.h>

#include "cli/systemd_unit.h"

static void word(const char *text, const char *expected)
{
        own_buf struct buf out = {};

        systemd_add_word(&out, text);
        assert_string_equal(buf_str(&out), expected);
}

static void test_words(void **state)
{
        word("plain-1.0:x", "plain-1.0:x");
        word("", "\"\"");
        word("a b", "\"a b\"");
        word("100%", "\"100%%\"");
        word("$HOME", "\"$$HOME\"");
        word("say \"no\" \\ now", "\"say \\\"no\\\" \\\\ now\"");
        word("two\nlines\t", "\"two\\x0alines\\x09\"");
        word(";", "\";\"");
        word("\xc3\xa4", "\"\xc3\xa4\"");
}

/* Nothing of an instance begins a line of its own. */
static void test_hostile(void **state)
{
        static const char *const command[] = { "a\nExecStartPre=/bin/evil", NULL };
        static const char *const env[] = { "X=1\n[Service]", NULL };
        struct instance i = { .name = (char *)"web",
                              .image_name = (char *)"box\nExecStop=/bin/evil",
                              .options = { .env = env, .command = command, .tty = true, .rm = true } };
        const struct systemd_instance s = { .program = { "/usr/bin/holt", NULL, NULL, "/var/lib/holt" },
                                            .instance = &i,
                                            .subject = "web",
                                            .unit = "container-web.service",
                                            .restart = "no",
                                            .stop_timeout = 10,
                                            .anew = true,
                                            .no_header = true };
        own_buf struct buf out = {};

        systemd_unit_of_instance(&s, &out);
        assert_null(strstr(buf_str(&out), "\nExecStartPre=/bin/evil"));
        assert_null(strstr(buf_str(&out), "\nExecStop=/bin/evil"));
        assert_non_null(strstr(buf_str(&out), " run --rm --name=web \\\n        --tty \\\n        "
                                              "\"--env=X=1\\x0a[Service]\" \\\n        \"box\\x0aExecStop=/bin/evil\" "
                                              "\"a\\x0aExecStartPre=/bin/evil\"\n"));
        assert_non_null(strstr(buf_str(&out), "ExecStop=/usr/bin/holt stop --time 10 web\n"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_hostile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
