/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "registry/registries_conf.h"
#include "sys/fd.h"

static struct registries *parse(const char *text)
{
        struct registries *r = NULL;
        struct error err = {};

        if (registries_parse("test.conf", text, strlen(text), &r, &err) < 0)
                fail_msg("%s", err.text);
        return r;
}

static struct reference reference_of(const char *text)
{
        struct reference ref;
        struct error err = {};

        assert_int_equal(reference_parse(text, &ref, &err), 0);
        return ref;
}

/* "registry/repository[!] ...", "!" for the insecure ones. */
static void assert_endpoints(const struct registries *r, const char *name, bool for_push, const char *expected)
{
        struct reference ref = reference_of(name);
        own_buf struct buf found = {};
        struct endpoint *e = NULL;
        struct error err = {};

        if (registries_endpoints(r, &ref, for_push, &e, &err) < 0)
                fail_msg("%s: %s", name, err.text);
        for (struct endpoint *i = e; i->registry; i++)
                buf_addf(&found, "%s%s/%s%s", i == e ? "" : " ", i->registry, i->repository, i->insecure ? "!" : "");
        endpoints_free(e);
        assert_string_equal(buf_str(&found), expected);
}

static void assert_candidates(const struct registries *r, const char *name, const char *expected)
{
        struct reference ref = reference_of(name);
        own_mem struct reference *list = NULL;
        own_buf struct buf found = {};
        struct error err = {};
        int n = registries_candidates(r, &ref, &list, &err);

        if (n < 0)
                fail_msg("%s: %s", name, err.text);
        for (int i = 0; i < n; i++) {
                buf_add_str(&found, i ? " " : "");
                reference_add(&found, &list[i]);
        }
        assert_string_equal(buf_str(&found), expected);
}

static void test_empty(void **state)
{
        own_registries struct registries *r = parse("");

        assert_endpoints(r, "debian:12", false, "docker.io/library/debian");
        assert_endpoints(r, "localhost:5000/a", false, "localhost:5000/a!");
        assert_endpoints(r, "127.0.0.2:5000/a", true, "127.0.0.2:5000/a!");
        assert_endpoints(r, "[::1]:5000/a", true, "[::1]:5000/a!");
        assert_endpoints(r, "127.0.0.1.example.com/a", false, "127.0.0.1.example.com/a");
        assert_endpoints(r, "localhost.example.com/a", false, "localhost.example.com/a");
        assert_candidates(r, "debian:12", "docker.io/library/debian:12");
        assert_candidates(r, "quay.io/debian", "quay.io/debian:latest");
}

static void test_mirrors(void **state)
{
        own_registries struct registries *r =
                parse("[[registry]]\nprefix = 'example.com/foo'\nlocation = 'internal.example.net/bar/'\n"
                      "[[registry.mirror]]\nlocation = 'one.local/mirror-for-foo'\ninsecure = true\n"
                      "[[registry.mirror]]\nlocation = 'tags.local/foo'\npull-from-mirror = 'tag-only'\n"
                      "[[registry.mirror]]\nlocation = 'digests.local/foo'\npull-from-mirror = 'digest-only'\n"
                      "[[registry]]\nlocation = 'docker.io'\nmirror-by-digest-only = true\n"
                      "[[registry.mirror]]\nlocation = 'localhost:5000'\n");
        static const char digest[] = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        char name[200];

        assert_endpoints(r, "example.com/foo/image:1", false,
                         "one.local/mirror-for-foo/image! tags.local/foo/image internal.example.net/bar/image");
        assert_endpoints(r, "example.com/foo", false,
                         "one.local/mirror-for-foo! tags.local/foo internal.example.net/bar");
        snprintf(name, sizeof name, "example.com/foo/image%s", digest);
        assert_endpoints(r, name, false,
                         "one.local/mirror-for-foo/image! digests.local/foo/image internal.example.net/bar/image");
        assert_endpoints(r, "example.com/foo/image:1", true, "example.com/foo/image");
        assert_endpoints(r, "example.com/foot", false, "example.com/foot");
        assert_endpoints(r, "example.com:5000/foo", false, "example.com:5000/foo");
        assert_endpoints(r, "debian", false, "docker.io/library/debian");
        snprintf(name, sizeof name, "debian%s", digest);
        assert_endpoints(r, name, false, "localhost:5000/library/debian! docker.io/library/debian");
}

static void test_prefixes(void **state)
{
        own_registries struct registries *r =
                parse("[[registry]]\nprefix = '*.example.com'\ninsecure = true\n"
                      "[[registry]]\nprefix = '*.moved.com'\nlocation = 'mirror.net/moved'\n"
                      "[[registry]]\nprefix = 'a.example.com'\ninsecure = false\n"
                      "[[registry]]\nprefix = 'a.example.com/deep/er'\nlocation = 'deeper.net'\n"
                      "[[registry]]\nprefix = 'host'\ninsecure = true\n"
                      "[[registry]]\nlocation = 'localhost:5000'\ninsecure = false\n"
                      "[[registry]]\nprefix = 'quay.io/a/b:bad'\nblocked = true\n"
                      "[[registry]]\nprefix = 'quay.io/evil'\nblocked = true\n");
        struct reference ref = reference_of("quay.io/evil/x");
        struct endpoint *e = NULL;
        struct error err = {};

        assert_endpoints(r, "b.example.com/x", false, "b.example.com/x!");
        assert_endpoints(r, "c.b.example.com/x", false, "c.b.example.com/x!");
        assert_endpoints(r, "example.com/x", false, "example.com/x");
        assert_endpoints(r, "notexample.com/x", false, "notexample.com/x");
        assert_endpoints(r, "eu.moved.com/x/y:1", false, "mirror.net/moved/x/y");
        assert_endpoints(r, "a.example.com/x", false, "a.example.com/x");
        assert_endpoints(r, "a.example.com/deep/er/x", false, "deeper.net/x");
        assert_endpoints(r, "a.example.com/deep/erst", false, "a.example.com/deep/erst");
        assert_endpoints(r, "localhost:5000/x", false, "localhost:5000/x");
        assert_endpoints(r, "quay.io/a/b:good", false, "quay.io/a/b");
        assert_int_equal(registries_endpoints(r, &ref, false, &e, &err), -EACCES);
        assert_string_equal(err.text, "registries.conf blocks quay.io/evil");
        assert_int_equal(registries_endpoints(r, &ref, true, &e, &err), -EACCES);
        ref = reference_of("quay.io/a/b:bad");
        assert_int_equal(registries_endpoints(r, &ref, false, &e, &err), -EACCES);
        ref = reference_of("a.example.com/deep/er");
        assert_int_equal(registries_endpoints(r, &ref, false, &e, &err), -EINVAL);
        assert_null(e);
}

static void test_short_names(void **state)
{
        own_registries struct registries *r = parse("unqualified-search-registries = ['quay.io', 'docker.io']\n"
                                                    "short-name-mode = 'enforcing'\n"
                                                    "[aliases]\nfedora = 'registry.fedoraproject.org/fedora'\n"
                                                    "'team/web' = 'localhost:5000/web'\nnone = ''\n");

        assert_candidates(r, "debian:12", "quay.io/debian:12 docker.io/library/debian:12");
        assert_candidates(r, "fedora:38", "registry.fedoraproject.org/fedora:38");
        assert_candidates(r, "team/web", "localhost:5000/web:latest");
        assert_candidates(r, "none", "quay.io/none:latest docker.io/library/none:latest");
        assert_candidates(r, "docker.io/fedora", "docker.io/library/fedora:latest");
}

static void test_refused(void **state)
{
        static const char *const bad[] = {
                "unqualified-search-registries = 'quay.io'",
                "unqualified-search-registries = ['https://quay.io']",
                "unqualified-search-registries = [1]",
                "[[registry]]\ninsecure = true",
                "[[registry]]\nlocation = 'http://x.y'",
                "[[registry]]\nlocation = 'a//b'",
                "[[registry]]\nlocation = '/a'",
                "[[registry]]\nlocation = 'user@a/b'",
                "[[registry]]\nprefix = 'a.b'\nlocation = 'c.d/e:tag'",
                "[[registry]]\nprefix = 'a.b/:tag'",
                "[[registry]]\nprefix = 'a.b'\n[[registry.mirror]]\nlocation = 'c.d/:e'",
                "[[registry]]\nlocation = 'a b'",
                "[[registry]]\nprefix = '*.a.b/c'",
                "[[registry]]\nprefix = '*.'",
                "[[registry]]\nprefix = 'a.b'\ninsecure = 'yes'",
                "[[registry]]\nprefix = 'a.b'\n[[registry.mirror]]\n",
                "[[registry]]\nprefix = 'a.b'\n[[registry.mirror]]\nlocation = 'c.d'\npull-from-mirror = 'never'",
                "[[registry]]\nprefix = 'a.b'\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = 'c.d'\n"
                "pull-from-mirror = 'all'",
                "[registry]\nprefix = 'a.b'",
                "[aliases]\na = 1",
                "[aliases]\na = 'b'",
                "[aliases]\na = 'b.c/d:1'",
                "[registries.search]\nregistries = []",
        };

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                struct registries *r = NULL;
                struct error err = {};

                if (registries_parse("test.conf", bad[i], strlen(bad[i]), &r, &err) != -EINVAL)
                        fail_msg("accepted: %s", bad[i]);
                assert_int_equal(strncmp(err.text, "test.conf: ", 11), 0);
        }
}

static void write_file(const char *directory, const char *name, const char *text)
{
        char path[300];
        int fd;

        snprintf(path, sizeof path, "%s/%s", directory, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
        close(fd);
}

static void test_load(void **state)
{
        own_registries struct registries *r = NULL;
        char dir[] = "/tmp/registries-XXXXXX", path[100];
        struct error err = {};

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof path, "%s/my.conf.d", dir);
        assert_int_equal(mkdir(path, 0700), 0);
        write_file(dir, "my.conf",
                   "unqualified-search-registries = ['a.a']\n[aliases]\nx = 'a.a/x'\ny = 'a.a/y'\n"
                   "[[registry]]\nprefix = 'a.a'\nlocation = 'b.b'\ninsecure = true\n");
        write_file(path, "2.conf", "[aliases]\nx = 'c.c/x'\n");
        write_file(path, "1.conf", "[[registry]]\nprefix = 'a.a'\nlocation = 'c.c'\n[aliases]\nx = 'b.b/x'\n");
        write_file(path, "ignored", "what stands here does not matter");
        snprintf(path, sizeof path, "%s/my.conf", dir);
        setenv("CONTAINERS_REGISTRIES_CONF", path, 1);
        assert_int_equal(registries_load(&r, &err), 0);
        assert_endpoints(r, "a.a/i", false, "c.c/i");
        assert_candidates(r, "x", "c.c/x:latest");
        assert_candidates(r, "y", "a.a/y:latest");
        assert_candidates(r, "z", "a.a/z:latest");
        setenv("CONTAINERS_REGISTRIES_CONF", "/nonexistent/file", 1);
        assert_int_equal(registries_load(&r, &err), -ENOENT);
        unsetenv("CONTAINERS_REGISTRIES_CONF");
        assert_int_equal(fd_remove_tree_at(AT_FDCWD, dir), 0);
}

/* Whatever this machine has there. */
static void test_load_usual(void **state)
{
        own_registries struct registries *r = NULL;
        struct error err = {};

        setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
        assert_int_equal(registries_load(&r, &err), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),       cmocka_unit_test(test_mirrors), cmocka_unit_test(test_prefixes),
                cmocka_unit_test(test_short_names), cmocka_unit_test(test_refused), cmocka_unit_test(test_load),
                cmocka_unit_test(test_load_usual),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
