/* SPDX-License-Identifier: Apache-2.0 */
/* argv[1] and argv[2]: what must be written, with and without root (there with the ids of user 1000). */
#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "oci/runtime_spec.h"
#include "oci/spec_default.h"

static char golden[2][8192];

static void assert_same(const char *got, const char *want)
{
        size_t line = 1;

        for (; *got && *got == *want; got++, want++)
                line += *got == '\n';
        if (*got != *want)
                fail_msg("differs in line %zu: \"%.40s\" instead of \"%.40s\"", line, got, want);
}

static void test_root(void **state)
{
        own_buf struct buf out = {};

        assert_int_equal(spec_default(false, &out, NULL), 0);
        assert_same(buf_str(&out), golden[0]);
}

/* Puts the caller's ids in the place of 1000. */
static void ids_fill(struct buf *out, const char *text)
{
        static const char host[] = "\"hostID\": 1000";
        unsigned ids[] = { geteuid(), getegid() };

        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                const char *p = strstr(text, host);

                assert_non_null(p);
                buf_add(out, text, (size_t)(p - text));
                buf_addf(out, "\"hostID\": %u", ids[i]);
                text = p + sizeof host - 1;
        }
        buf_add_str(out, text);
}

static void test_rootless(void **state)
{
        own_buf struct buf out = {}, want = {};

        assert_int_equal(spec_default(true, &out, NULL), 0);
        ids_fill(&want, golden[1]);
        assert_same(buf_str(&out), buf_str(&want));
}

static void test_is_accepted(void **state)
{
        for (int rootless = 0; rootless < 2; rootless++) {
                own_buf struct buf out = {};
                own_spec struct spec s = {};

                assert_int_equal(spec_default(rootless, &out, NULL), 0);
                assert_int_equal(spec_parse(buf_str(&out), out.len, &s, NULL), 0);
                assert_string_equal(s.oci_version, OCI_SPEC_VERSION);
                assert_string_equal(s.process->args.v[0], "sh");
                assert_string_equal(s.root_path, "rootfs");
                assert_int_equal(spec_namespace(&s, CLONE_NEWUSER) != NULL, rootless);
                assert_int_equal(s.linux_.has_resources, !rootless);
                assert_int_equal(s.n_mounts, 7);
        }
}

static bool golden_read(const char *path, char *out, size_t max)
{
        own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, out, max - 1);

        return n > 0;
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_root),
                cmocka_unit_test(test_rootless),
                cmocka_unit_test(test_is_accepted),
        };

        if (argc != 3 || !golden_read(argv[1], golden[0], sizeof golden[0]) ||
            !golden_read(argv[2], golden[1], sizeof golden[1])) {
                fprintf(stderr, "usage: %s spec.json spec-rootless.json\n", argv[0]);
                return 2;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
