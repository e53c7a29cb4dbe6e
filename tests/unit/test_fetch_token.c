/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "fetch/token.h"
#include "fetch/url.h"

static void assert_token(const char *text, const char *token, const char *identity, unsigned lifetime)
{
        own_token struct token t = {};
        struct error err = {};

        if (token_read(text, strlen(text), &t, &err) < 0)
                fail_msg("%s: %s", text, err.text);
        assert_string_equal(t.text, token);
        assert_string_equal(t.identity ? t.identity : "-", identity);
        assert_int_equal(t.lifetime, lifetime);
}

static void test_read(void **state)
{
        assert_token("{\"token\":\"a\"}", "a", "-", 60);
        assert_token("{\"access_token\":\"b\",\"expires_in\":300}", "b", "-", 300);
        assert_token("{\"token\":\"a\",\"access_token\":\"b\",\"refresh_token\":\"c\"}", "a", "c", 60);
        assert_token("{\"token\":\"\",\"access_token\":\"b\",\"refresh_token\":\"\"}", "b", "-", 60);
        assert_token("{\"token\":\"a\",\"expires_in\":18446744073709551615}", "a", "-", 86400);
}

static void test_refused(void **state)
{
        static const char *const bad[] = { "",
                                           "[]",
                                           "{}",
                                           "{\"token\":1}",
                                           "{\"token\":\"a\\r\\nX: y\"}",
                                           "{\"token\":\"a b\"}",
                                           "{\"token\":\"a\",\"expires_in\":-1}",
                                           "{\"token\":\"a\",\"expires_in\":\"1\"}" };

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                own_token struct token t = {};
                struct error err = {};

                if (token_read(bad[i], strlen(bad[i]), &t, &err) >= 0)
                        fail_msg("accepted: %s", bad[i]);
        }
}

static void assert_join(const char *base, const char *relative, const char *expected)
{
        struct error err = {};
        char *url = NULL;
        int r = url_join(base, relative, &url, &err);

        assert_string_equal(r < 0 ? "refused" : url, expected);
        free(url);
}

static void test_urls(void **state)
{
        assert_join("https://a/v2/x?y=z", "/b?c=d#e", "https://a/b?c=d");
        assert_join("https://a:5000/v2/x/", "../y", "https://a:5000/v2/y");
        assert_join("https://a/v2/", "http://b:1/c", "http://b:1/c");
        assert_join("https://a/v2/", "//b/c", "https://b/c");
        assert_join("https://a/v2/", "file:///etc/passwd", "refused");
        assert_join("https://a/v2/", "gopher://a/", "refused");
        assert_join("https://a/v2/", "https://user@b/", "refused");
        assert_join("https://a/v2/", "https://b/\r\nX: y", "refused");
        assert_true(url_same_origin("https://a/x", "https://A:443/y"));
        assert_false(url_same_origin("https://a/x", "http://a/x"));
        assert_false(url_same_origin("https://a/x", "https://a:444/x"));
        assert_false(url_same_origin("https://a/x", "https://a.b/x"));
        assert_true(url_is_loopback("http://127.1.2.3:5000/"));
        assert_true(url_is_loopback("http://[::1]:5000/"));
        assert_false(url_is_loopback("http://127.0.0.1.example.com/"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_read),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_urls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
