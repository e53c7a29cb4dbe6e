/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

static char top[] = "/tmp/fd-XXXXXX";

static void test_mkdir_all(void **state)
{
        static const char *const below[] = { "/a/b/c", "/a/b/c", "/a//d/", "" };
        char path[64];
        struct stat st;

        for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
                snprintf(path, sizeof path, "%s%s", top, below[i]);
                assert_int_equal(fd_mkdir_all(path, 0700), 0);
                assert_int_equal(stat(path, &st), 0);
                assert_true(S_ISDIR(st.st_mode));
                assert_int_equal(st.st_mode & 07777, 0700);
        }
}

static void test_mkdir_all_fails(void **state)
{
        char path[64];

        assert_int_equal(fd_mkdir_all("", 0700), -ENOENT);
        assert_int_equal(fd_mkdir_all("/proc/none/below", 0700), -ENOENT);
        snprintf(path, sizeof path, "%s/file", top);
        assert_int_equal(fclose(fopen(path, "we")), 0);
        snprintf(path, sizeof path, "%s/file/below/it", top);
        assert_int_equal(fd_mkdir_all(path, 0700), -ENOTDIR);
}

/* Deeper than any number of descriptors; and the names that what is moved up would take are taken. */
static void test_remove_deep_tree(void **state)
{
        own_fd int at = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
        own_fd int dir = openat(at, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(mkdirat(at, "deep", 0700), 0);
        assert_int_equal(mkdirat(at, "deep/moved-0", 0700), 0);
        assert_int_equal(symlinkat("/", at, "deep/link"), 0);
        for (int i = 0; i < 1200; i++) {
                int next;

                if (mkdirat(dir, "deep", 0700) < 0)
                        assert_int_equal(errno, EEXIST);
                next = openat(dir, "deep", O_PATH | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                close(dir);
                dir = next;
        }
        assert_int_equal(symlinkat("nowhere", dir, "link"), 0);
        assert_int_equal(fd_remove_tree_at(at, "deep"), 0);
        assert_int_equal(faccessat(at, "deep", F_OK, 0), -1);
        assert_int_equal(fd_remove_tree_at(at, "deep"), 0);
}

static int make_top(void **state)
{
        return !mkdtemp(top);
}

static int remove_top(void **state)
{
        return fd_remove_tree_at(-1, top);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mkdir_all),
                cmocka_unit_test(test_mkdir_all_fails),
                cmocka_unit_test(test_remove_deep_tree),
        };

        return cmocka_run_group_tests(tests, make_top, remove_top);
}
