/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdio.h>

#include "fetch/challenge.h"

static void assert_challenge(const char *header, const char *expected)
{
        own_challenge struct challenge c = {};
        struct error err = {};
        char found[300];

        if (challenge_read(header, &c, &err) < 0)
                fail_msg("%s: %s", header, err.text);
        snprintf(found, sizeof found, "%s%s%s|%s|%s", c.basic ? "basic " : "", c.bearer ? "bearer " : "",
                 c.realm ? c.realm : "-", c.service ? c.service : "-", c.scope ? c.scope : "-");
        assert_string_equal(found, expected);
}

static void test_read(void **state)
{
        assert_challenge("Basic realm=\"x\"", "basic -|-|-");
        assert_challenge("basic", "basic -|-|-");
        assert_challenge("Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a/b:pull,push\"",
                         "bearer https://a/t|s|repository:a/b:pull,push");
        assert_challenge("BEARER  Realm = \"a\\\"b\" , error=\"invalid_token\",, Service=plain", "bearer a\"b|plain|-");
        assert_challenge("Basic realm=\"1\", Bearer realm=\"2\", Bearer realm=\"3\"", "basic bearer 2|-|-");
        assert_challenge("Negotiate, NTLM YWJj==, Bearer realm=r", "bearer r|-|-");
        assert_challenge("Negotiate abc==, Basic realm=\"a, Bearer realm=b\"", "basic -|-|-");
        assert_challenge("", "-|-|-");
}

static void test_several_headers(void **state)
{
        own_challenge struct challenge c = {};
        struct error err = {};

        assert_int_equal(challenge_read("Basic realm=x", &c, &err), 0);
        assert_int_equal(challenge_read("Bearer realm=y", &c, &err), 0);
        assert_int_equal(challenge_read("Bearer realm=z", &c, &err), 0);
        assert_true(c.basic && c.bearer);
        assert_string_equal(c.realm, "y");
}

static void test_refused(void **state)
{
        static const char *const bad[] = {
                "Bearer",
                "Bearer service=x",
                "Bearer realm=\"x",
                "Bearer realm=\"x\\",
                "Bearer realm=",
                "Bearer realm=\"a\x01\"",
                "realm=x",
                "Bearer realm=a, realm=b",
                "Bearer \"x\"",
                "Bearer/ realm=x",
                "(",
                "Bearer realm=\"a\"\"b\"",
        };

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                own_challenge struct challenge c = {};
                struct error err = {};

                if (challenge_read(bad[i], &c, &err) != -EPROTO)
                        fail_msg("accepted: %s", bad[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_read),
                cmocka_unit_test(test_several_headers),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
