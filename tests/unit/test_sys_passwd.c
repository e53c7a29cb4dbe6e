/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/passwd.h"

static char file[] = "/tmp/passwd-XXXXXX";

static void fill(const char *text)
{
        int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
        close(fd);
}

static void test_found(void **state)
{
        struct passwd_entry e;

        fill("root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:,,,:/var/www:/bin/false\nagain:x:33:33::/other:\nbare:x:7:7::/"
             "b\n"
             "nowhere:x:8:8:::/bin/sh\n");
        assert_true(passwd_find(file, 0, &e));
        assert_string_equal(e.name, "root");
        assert_string_equal(e.home, "/root");
        assert_true(passwd_find(file, 33, &e));
        assert_string_equal(e.name, "web");
        assert_string_equal(e.home, "/var/www");
        assert_true(passwd_find(file, 7, &e));
        assert_string_equal(e.home, "/b");
        assert_true(passwd_find(file, 8, &e));
        assert_string_equal(e.home, "");
}

static void test_not_found(void **state)
{
        struct passwd_entry e;

        fill("short:x:1\nblank:x::0::/a:\nspace:x: "
             "2:0::/a:\nsign:x:+3:0::/a:\nword:x:4a:0::/a:\nbig:x:4294967297:0::/a:\n");
        for (uid_t uid = 0; uid < 5; uid++)
                assert_false(passwd_find(file, uid, &e));
        fill("");
        assert_false(passwd_find(file, 0, &e));
        assert_false(passwd_find("/nonexistent/passwd", 0, &e));
        assert_false(passwd_find("/dev/zero", 0, &e));
        assert_false(passwd_find("/", 0, &e));
}

/* What stands behind the room for a line is no line of its own. */
static void test_long_line(void **state)
{
        struct passwd_entry e;
        char text[2 * sizeof e.line];

        memset(text, 'a', sizeof e.line - 1);
        strcpy(text + sizeof e.line - 1, "root:x:0:0::/other:\nweb:x:33:33::/var/www:\n");
        fill(text);
        assert_false(passwd_find(file, 0, &e));
        assert_true(passwd_find(file, 33, &e));
        assert_string_equal(e.name, "web");
}

static void test_too_large(void **state)
{
        struct passwd_entry e;

        fill("root:x:0:0:root:/root:/bin/sh\n");
        assert_int_equal(truncate(file, (16 << 20) + 1), 0);
        assert_false(passwd_find(file, 0, &e));
}

static int make_file(void **state)
{
        int fd = mkstemp(file);

        close(fd);
        return fd < 0;
}

static int remove_file(void **state)
{
        return unlink(file);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_found),
                cmocka_unit_test(test_not_found),
                cmocka_unit_test(test_long_line),
                cmocka_unit_test(test_too_large),
        };

        return cmocka_run_group_tests(tests, make_file, remove_file);
}
