/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <signal.h>

#include "base/own.h"
#include "sys/signal_name.h"

static void test_known(void **state)
{
        const struct {
                const char *text;
                int signo;
        } cases[] = {
                { "TERM", SIGTERM },
                { "SIGTERM", SIGTERM },
                { "sigkill", SIGKILL },
                { "Hup", SIGHUP },
                { "9", 9 },
                { "0", 0 },
                { "64", 64 },
                { "CLD", SIGCHLD },
                { "POLL", SIGIO },
                { "RTMIN", SIGRTMIN },
                { "SIGRTMAX", SIGRTMAX },
                { "SIGRTMIN+3", SIGRTMIN + 3 },
                { "rtmax-2", SIGRTMAX - 2 },
                { "WINCH", SIGWINCH },
                { "SYS", SIGSYS },
                { "RTMIN+0", SIGRTMIN },
                { "015", 15 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int signo = -1;

                assert_int_equal(signal_parse(cases[i].text, &signo), 0);
                assert_int_equal(signo, cases[i].signo);
        }
}

static void test_unknown(void **state)
{
        static const char *const cases[] = { "",           "SIG",     "FOO",       "TERM ",    " TERM",
                                             "SIGSIGTERM", "-1",      "+9",        "65",       "9x",
                                             "0x9",        "RTMIN-1", "RTMAX+1",   "RTMIN+31", "RTMIN+",
                                             "RTMIN+x",    "RTMIN3",  "TERMINATE", "KILLER",   "4294967305" };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int signo = -1;

                assert_int_equal(signal_parse(cases[i], &signo), -EINVAL);
                assert_int_equal(signo, -1);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known),
                cmocka_unit_test(test_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
