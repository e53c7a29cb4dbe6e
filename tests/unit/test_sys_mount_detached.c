/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/mount_detached.h"
#include "sys/mount_tree.h"

static char place[] = "/tmp/holt-detached-XXXXXX";

static int set_up(void **state)
{
        return mkdtemp(place) && chdir(place) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
        return chdir("/") < 0 ? -1 : rmdir(place);
}

static void make_file(int dir, const char *name)
{
        int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        close(fd);
}

static bool has(int dir, const char *name)
{
        return faccessat(dir, name, F_OK, 0) == 0;
}

static ino_t inode_of(const char *path)
{
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_ino;
}

static void test_copies(void **state)
{
        int tree = mount_new("tmpfs", "tmpfs", NULL, 0, NULL), part, copy;
        ino_t ns = inode_of("/proc/self/ns/mnt"), cwd = inode_of(".");

        if (tree < 0 && geteuid() != 0)
                skip();
        assert_true(tree >= 0);
        assert_int_equal(mkdirat(tree, "sub", 0700), 0);
        for (int n = 0; n < 3; n++) {
                char name[] = { (char)('a' + n), '\0' };

                part = openat(tree, "sub", O_PATH | O_DIRECTORY | O_CLOEXEC);
                assert_true(part >= 0);
                copy = mount_clone_by_attaching(tree, part, place);
                close(part);
                assert_true(copy >= 0);
                make_file(copy, name);
                close(copy);
                copy = mount_clone_by_attaching(tree, tree, place);
                assert_true(copy >= 0);
                for (char c = 'a'; c <= 'a' + n; c++) {
                        const char path[] = { 's', 'u', 'b', '/', c, '\0' };

                        assert_true(has(copy, path) && has(tree, path));
                }
                close(copy);
                /* It is where it was, and nothing is mounted there. */
                assert_int_equal(inode_of("/proc/self/ns/mnt"), ns);
                assert_int_equal(inode_of("."), cwd);
                assert_false(has(AT_FDCWD, "sub"));
        }
        assert_int_equal(mount_clone_by_attaching(tree, tree, "/nowhere"), -ENOENT);
        assert_int_equal(inode_of("/proc/self/ns/mnt"), ns);
        assert_true(has(tree, "sub"));
        close(tree);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_copies, set_up, tear_down) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
