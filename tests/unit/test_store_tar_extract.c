/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of strangers, who were asked for the tree "box": what else they send reaches nothing. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "store/tar_extract.h"
#include "sys/fd.h"
#include "tar_fixture.h"

struct place {
        char path[64];
        int fd;
        struct buf tar;
        size_t at;
};

static int setup(void **state)
{
        struct place *p = calloc(1, sizeof *p);

        snprintf(p->path, sizeof p->path, "/tmp/holt-extract-XXXXXX");
        assert_non_null(mkdtemp(p->path));
        p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(p->fd >= 0);
        assert_int_equal(mkdirat(p->fd, "home", 0755), 0);
        assert_int_equal(mkdirat(p->fd, "home/.keys", 0755), 0);
        *state = p;
        return 0;
}

static int teardown(void **state)
{
        struct place *p = *state;

        close(p->fd);
        fd_remove_tree_at(AT_FDCWD, p->path);
        buf_finish(&p->tar);
        free(p);
        return 0;
}

static ssize_t read_tar(void *userdata, const void **ret, struct error *err)
{
        struct place *p = userdata;
        size_t n = p->tar.len - p->at < 700 ? p->tar.len - p->at : 700;

        *ret = p->tar.data + p->at;
        p->at += n;
        return (ssize_t)n;
}

static void add(struct place *p, char type, const char *name, const char *link)
{
        tar_fixture_entry(&p->tar, type, name, link, "evil\n", type == '0' ? 5 : 0);
}

static int extract(struct place *p, const char *only)
{
        const struct tar_extract_options o = { .root = p->fd, .base = "home", .only = only };
        own_tar_reader struct tar_reader *tar = tar_reader_new(read_tar, NULL, p);
        struct error err;
        int r;

        tar_fixture_end(&p->tar);
        p->at = 0;
        r = tar_extract(tar, &o, &err);
        buf_finish(&p->tar);
        return r;
}

static bool is_there(const struct place *p, const char *path)
{
        return faccessat(p->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_tree(void **state)
{
        struct place *p = *state;

        add(p, '5', "box", "");
        add(p, '5', "./box/in", "");
        add(p, '0', "box/in/file", "");
        add(p, '1', "box/again", "box/in/file");
        add(p, '2', "box/link", "/etc/passwd");
        assert_int_equal(extract(p, "box"), 0);
        assert_true(is_there(p, "home/box/in/file") && is_there(p, "home/box/again") && is_there(p, "home/box/link"));
}

static void test_other_names(void **state)
{
        static const char *const names[] = { ".keys/mine", "boxer", "bo", "box/../.keys/mine", "/.keys/mine", "." };
        struct place *p = *state;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                add(p, '0', names[i], "");
                assert_true(extract(p, "box") < 0);
        }
        assert_false(is_there(p, "home/.keys/mine") || is_there(p, "home/boxer"));
}

static void test_through_links(void **state)
{
        struct place *p = *state;

        add(p, '2', "box", ".keys");
        add(p, '0', "box/mine", "");
        assert_int_equal(extract(p, "box"), -ELOOP);
        assert_int_equal(unlinkat(p->fd, "home/box", 0), 0);
        add(p, '5', "box", "");
        add(p, '2', "box/out", "../.keys");
        add(p, '0', "box/out/mine", "");
        assert_int_equal(extract(p, "box"), -ELOOP);
        add(p, '5', "box/out", "");
        assert_int_equal(extract(p, "box"), -ENOTDIR);
        /* Of another day, or of the target's own. */
        add(p, '0', "box/out/mine", "");
        assert_int_equal(extract(p, ""), -ELOOP);
        assert_false(is_there(p, "home/.keys/mine"));
}

static void test_hard_links(void **state)
{
        struct place *p = *state;
        own_fd int fd = openat(p->fd, "home/.keys/mine", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        struct stat st;

        add(p, '5', "box", "");
        add(p, '1', "box/mine", ".keys/mine");
        assert_int_equal(extract(p, "box"), -EPERM);
        add(p, '5', "box", "");
        add(p, '2', "box/out", "../.keys");
        add(p, '1', "box/mine", "box/out/mine");
        assert_int_equal(extract(p, "box"), -ELOOP);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_nlink, 1);
}

/* Our own archives are taken as before. */
static void test_own(void **state)
{
        struct place *p = *state;

        add(p, '0', "made/on/the/way", "");
        add(p, '2', "link", ".keys");
        add(p, '0', "link/mine", "");
        assert_int_equal(extract(p, NULL), 0);
        assert_true(is_there(p, "home/made/on/the/way") && is_there(p, "home/.keys/mine"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_tree, setup, teardown),
                cmocka_unit_test_setup_teardown(test_other_names, setup, teardown),
                cmocka_unit_test_setup_teardown(test_through_links, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hard_links, setup, teardown),
                cmocka_unit_test_setup_teardown(test_own, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
