/* SPDX-License-Identifier: Apache-2.0 */
/* Without SELinux the attribute is one that root sets as any other. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <sched.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/selinux_relabel.h"
#include "sys/fd.h"

#define LABEL "system_u:object_r:container_file_t:s0:c1,c2"
#define OTHER "system_u:object_r:container_file_t:s0"

/* In a tmpfs in a mount namespace of its own. */
static int set_up(void **state)
{
        static char top[] = "/tmp/test-relabel.XXXXXX";

        if (geteuid() != 0)
                return 0;
        if (!mkdtemp(top) || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("test", top, "tmpfs", 0, NULL) < 0 || chdir(top) < 0)
                return -1;
        *state = top;
        return 0;
}

static int take_down(void **state)
{
        const char *top = *state;

        if (!top)
                return 0;
        return chdir("/") < 0 || umount2(top, MNT_DETACH) < 0 || rmdir(top) < 0 ? -1 : 0;
}

static void need_root(void **state)
{
        if (!*state)
                skip();
}

static void make_file(const char *path)
{
        own_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0);

        assert_true(fd >= 0);
}

/* Of the link itself. "": none. */
static const char *label_of(const char *path)
{
        static char label[256];
        ssize_t n = lgetxattr(path, "security.selinux", label, sizeof label - 1);

        label[n < 0 ? 0 : n] = '\0';
        return label;
}

static void relabel(const char *path, const char *label)
{
        struct error err = {};

        if (selinux_relabel(path, label, &err) < 0)
                fail_msg("%s", err.text);
}

static void test_tree(void **state)
{
        static const char *const all[] = { "tree", "tree/a", "tree/a/b", "tree/a/b/file", "tree/link", "tree/pipe" };

        need_root(state);
        assert_int_equal(fd_mkdir_all("tree/a/b", 0755), 0);
        assert_int_equal(fd_mkdir_all("outside", 0755), 0);
        make_file("outside/file");
        make_file("tree/a/b/file");
        assert_int_equal(mkfifo("tree/pipe", 0600), 0);
        assert_int_equal(symlink("../outside", "tree/link"), 0);
        assert_int_equal(symlink("../outside/file", "tree/a/link"), 0);
        relabel("tree", LABEL);
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                assert_string_equal(label_of(all[i]), LABEL);
        assert_string_equal(label_of("tree/a/link"), LABEL);
        assert_string_equal(label_of("outside"), "");
        assert_string_equal(label_of("outside/file"), "");
}

/* What is mounted into it may be the host's /usr. */
static void test_mounts_below(void **state)
{
        need_root(state);
        assert_int_equal(fd_mkdir_all("holder/mounted", 0755), 0);
        assert_int_equal(fd_mkdir_all("other", 0755), 0);
        make_file("other/file");
        assert_int_equal(mount("other", "holder/mounted", NULL, MS_BIND, NULL), 0);
        relabel("holder", LABEL);
        assert_string_equal(label_of("holder"), LABEL);
        assert_string_equal(label_of("other"), "");
        assert_string_equal(label_of("other/file"), "");
}

static void test_done_already(void **state)
{
        need_root(state);
        assert_int_equal(fd_mkdir_all("done", 0755), 0);
        relabel("done", LABEL);
        make_file("done/file");
        relabel("done", LABEL);
        assert_string_equal(label_of("done/file"), "");
        relabel("done", OTHER);
        assert_string_equal(label_of("done/file"), OTHER);
}

static void test_one_file(void **state)
{
        own_fd int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        need_root(state);
        make_file("one");
        assert_int_equal(symlink("one", "way"), 0);
        relabel("way", LABEL);
        assert_string_equal(label_of("one"), LABEL);
        assert_string_equal(label_of("way"), "");
        assert_int_equal(selinux_relabel_one(dir, "one", OTHER), 0);
        assert_string_equal(label_of("one"), OTHER);
        assert_int_equal(selinux_relabel_one(dir, "missing", OTHER), -ENOENT);
}

static void refused(const char *path, int code)
{
        struct error err = {};

        assert_int_equal(selinux_relabel(path, LABEL, &err), -code);
        assert_non_null(strstr(err.text, path));
}

static void test_refused(void **state)
{
        static const char *const places[] = {
                "/", "/usr", "/usr/", "/etc", "/etc/passwd", "/home", "/var/lib", "/proc"
        };

        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                refused(places[i], EPERM);
        need_root(state);
        assert_int_equal(symlink("/usr", "usr"), 0);
        refused("usr", EPERM);
        assert_int_equal(mkdir("root", 0755), 0);
        assert_int_equal(mount("/", "root", NULL, MS_BIND, NULL), 0);
        refused("root", EPERM);
        refused("nothing", ENOENT);
}

static void test_no_labels(void **state)
{
        need_root(state);
        refused("/proc/self/limits", ENOTSUP);
}

static void test_too_deep(void **state)
{
        int fd, next;

        need_root(state);
        assert_int_equal(mkdir("deep", 0755), 0);
        fd = open("deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (unsigned i = 0; i < 500; i++) {
                assert_int_equal(mkdirat(fd, "d", 0755), 0);
                next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                close(fd);
                fd = next;
        }
        close(fd);
        refused("deep", ENAMETOOLONG);
        assert_string_equal(label_of("deep"), "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tree),         cmocka_unit_test(test_mounts_below),
                cmocka_unit_test(test_done_already), cmocka_unit_test(test_one_file),
                cmocka_unit_test(test_refused),      cmocka_unit_test(test_no_labels),
                cmocka_unit_test(test_too_deep),
        };

        return cmocka_run_group_tests(tests, set_up, take_down);
}
