/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "oci/reference.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void full_names(void **state)
{
        static const struct {
                const char *text, *full, *name;
        } cases[] = {
                { "debian", "docker.io/library/debian:latest", "debian" },
                { "debian:12", "docker.io/library/debian:12", "debian" },
                { "library/debian", "docker.io/library/debian:latest", "debian" },
                { "docker.io/debian", "docker.io/library/debian:latest", "debian" },
                { "index.docker.io/debian", "docker.io/library/debian:latest", "debian" },
                { "team/web", "docker.io/team/web:latest", "team/web" },
                { "localhost/web", "localhost/web:latest", "localhost/web" },
                { "localhost:5000/a/b__c-d.e:v1.2_3-4", "localhost:5000/a/b__c-d.e:v1.2_3-4",
                  "localhost:5000/a/b__c-d.e" },
                { "[::1]:5000/web", "[::1]:5000/web:latest", "[::1]:5000/web" },
                { "[fd00::1]/web:1", "[fd00::1]/web:1", "[fd00::1]/web" },
                { "Example/web", "Example/web:latest", "Example/web" },
                { "ghcr.io/a/b@sha256:" SUM, "ghcr.io/a/b@sha256:" SUM, "ghcr.io/a/b" },
                { "debian:12@sha256:" SUM, "docker.io/library/debian:12@sha256:" SUM, "debian" },
                { "a---b", "docker.io/library/a---b:latest", "a---b" },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct buf full = {}, name = {};
                struct reference ref;
                struct error err = {};

                if (reference_parse(cases[i].text, &ref, &err) < 0)
                        fail_msg("%s: %s", cases[i].text, err.text);
                reference_add(&full, &ref);
                reference_add_short_name(&name, &ref);
                assert_string_equal(buf_str(&full), cases[i].full);
                assert_string_equal(buf_str(&name), cases[i].name);
                buf_finish(&full);
                buf_finish(&name);
        }
}

static void parts(void **state)
{
        struct reference ref;

        assert_int_equal(reference_parse("debian", &ref, NULL), 0);
        assert_false(ref.qualified || ref.tagged);
        assert_int_equal(reference_parse("ghcr.io/x:1@sha256:" SUM, &ref, NULL), 0);
        assert_true(ref.qualified && ref.tagged);
        assert_string_equal(ref.tag, "1");
        assert_string_equal(digest_hex(&ref.digest), SUM);
}

static void refused(void **state)
{
        static const char *const bad[] = {
                "",
                ":1",
                "/",
                "a/",
                "/a",
                "a//b",
                "A",
                "a:",
                "a:-1",
                "a:.1",
                "a b",
                "a@",
                "a@sha256:12",
                "a@md5:" SUM,
                SUM,
                "a@sha256:" SUM "0",
                "-a",
                "a-",
                "a..b",
                "a___b",
                "a_.b",
                "host:port/a",
                "host:/a",
                "host:123456/a",
                "a.b-/c",
                "-a.b/c",
                ".b/c",
                "[::g]:1/a",
                "[]:1/a",
                "a.b/C",
                "..",
                "../a",
                "a/../b",
                "a\nb",
                "h.x:1:2/a",
                "a:1:2",
        };
        char text[600] = "a.b/";
        struct reference ref = { .registry = "kept" };
        struct error err;

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                if (reference_parse(bad[i], &ref, &err) != -EINVAL)
                        fail_msg("\"%s\" was taken", bad[i]);
                assert_string_equal(ref.registry, "kept");
        }
        memset(text + 4, 'a', 252);
        assert_int_equal(reference_parse(text, &ref, &err), -EINVAL);
        text[255] = '\0';
        assert_int_equal(reference_parse(text, &ref, &err), 0);
        memset(text, 'b', 255); /* "docker.io/library/" does not fit before it */
        assert_int_equal(reference_parse(text, &ref, &err), -EINVAL);
        text[1] = ':';
        memset(text + 2, 't', 128);
        text[130] = '\0';
        assert_int_equal(reference_parse(text, &ref, &err), 0);
        text[130] = 't';
        text[131] = '\0';
        assert_int_equal(reference_parse(text, &ref, &err), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(full_names),
                cmocka_unit_test(parts),
                cmocka_unit_test(refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
