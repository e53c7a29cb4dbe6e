/* SPDX-License-Identifier: Apache-2.0 */
/* Trees out of images, and what damaged images are told for. */
#include "check.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "store/erofs_tree.h"
#include "store/layer_unpack.h"
#include "store/layer_write.h"
#include "sys/fd.h"
#include "tar_fixture.h"

struct input {
        struct buf tar;
        size_t at;
};

static ssize_t read_tar(void *userdata, const void **ret, struct error *err)
{
        struct input *in = userdata;
        size_t left = in->tar.len - in->at;

        *ret = in->tar.data + in->at;
        in->at = in->tar.len;
        return (ssize_t)left;
}

static int make_image(struct buf *tar)
{
        static const uint8_t uuid[16];
        struct input in = { .tar = *tar };
        own_tar_reader struct tar_reader *reader = tar_reader_new(read_tar, NULL, &in);
        own_layer_writer struct layer_writer w = {};
        int fd = memfd_create("image", MFD_CLOEXEC);

        assert_int_equal(layer_writer_init(&w, fd, NULL, NULL), 0);
        assert_int_equal(layer_writer_add(&w, reader, NULL), 0);
        assert_int_equal(layer_writer_end(&w, uuid, NULL), 0);
        buf_finish(tar);
        return fd;
}

static int small_image(void)
{
        struct buf tar = {};

        tar_fixture_entry(&tar, '5', "dir", "", NULL, 0);
        tar_fixture_entry(&tar, '5', "dir/below", "", NULL, 0);
        tar_fixture_entry(&tar, '0', "dir/below/file", "", "content", 7);
        tar_fixture_entry(&tar, '1', "link", "dir/below/file", NULL, 0);
        tar_fixture_entry(&tar, '2', "symlink", "dir", NULL, 0);
        tar_fixture_end(&tar);
        return make_image(&tar);
}

/* A place of the test's own: tree and links in it. */
struct place {
        char path[32];
        int dir, tree, links;
};

static void place_make(struct place *p)
{
        strcpy(p->path, "/tmp/unpack-XXXXXX");
        assert_non_null(mkdtemp(p->path));
        p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(p->dir, "tree", 0700), 0);
        assert_int_equal(mkdirat(p->dir, "links", 0700), 0);
        p->tree = openat(p->dir, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        p->links = openat(p->dir, "links", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void place_remove(struct place *p)
{
        close(p->tree);
        close(p->links);
        close(p->dir);
        assert_int_equal(fd_remove_tree_at(AT_FDCWD, p->path), 0);
}

static int unpack(int image, struct error *err)
{
        struct layer_unpack_result losses;
        struct place p;
        int r;

        place_make(&p);
        r = layer_unpack(image, p.tree, p.links, &losses, err);
        place_remove(&p);
        return r;
}

static void test_tree(void **state)
{
        own_fd int image = small_image();
        struct layer_unpack_result losses;
        struct stat st, link;
        char text[16] = "";
        struct place p;

        place_make(&p);
        assert_int_equal(layer_unpack(image, p.tree, p.links, &losses, NULL), 0);
        assert_int_equal(fd_read_file_at(p.tree, "dir/below/file", text, sizeof text), 7);
        assert_string_equal(text, "content");
        assert_int_equal(fstatat(p.tree, "dir/below/file", &st, 0), 0);
        assert_int_equal(fstatat(p.tree, "link", &link, 0), 0);
        assert_int_equal(st.st_ino, link.st_ino);
        assert_int_equal(st.st_nlink, 2);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(readlinkat(p.tree, "symlink", text, sizeof text), 3);
        assert_int_equal(fstatat(p.tree, "dir", &st, 0), 0);
        assert_int_equal(st.st_mtime, 1000000000);
        assert_int_equal(unlinkat(p.dir, "links", AT_REMOVEDIR), 0);
        place_remove(&p);
}

/* Deeper than fits into an archive's names: through links, each of which leads further down. */
static void test_deep_tree(void **state)
{
        enum { LINKS = 20, STEP = 40 };
        struct buf tar = {};
        own_fd int image = -1;

        tar_fixture_entry(&tar, '2', "link0", ".", NULL, 0);
        for (int i = 0; i < LINKS; i++) {
                char name[100], link[16];
                int n = snprintf(name, sizeof name, "link%d", i);

                for (int k = 0; k < STEP; k++) {
                        n += snprintf(name + n, sizeof name - (size_t)n, "/d");
                        tar_fixture_entry(&tar, '5', name, "", NULL, 0);
                }
                snprintf(link, sizeof link, "link%d", i + 1);
                tar_fixture_entry(&tar, '2', link, name, NULL, 0);
        }
        tar_fixture_end(&tar);
        image = make_image(&tar);
        assert_int_equal(unpack(image, NULL), 0);
}

/* The names of the root directory, and where it stands. */
static void root_of(int image, struct erofs_tree *t, struct erofs_node *node)
{
        assert_int_equal(erofs_tree_open(t, image, NULL), 0);
        assert_int_equal(erofs_node_open(t, t->root, node, NULL), 0);
}

static void test_directory_in_itself(void **state)
{
        own_fd int image = small_image();
        struct erofs_dirent e;
        struct erofs_node root;
        struct erofs_tree t;
        struct error err;
        uint64_t at;

        root_of(image, &t, &root);
        /* ".", "..", "dir" */
        at = root.data.first * (uint64_t)EROFS_BLOCK + 2 * sizeof e;
        assert_int_equal(pread(image, &e, sizeof e, (off_t)at), sizeof e);
        assert_int_equal(e.type, EROFS_DIRECTORY);
        e.nid = htole64(t.root);
        assert_int_equal(pwrite(image, &e, sizeof e, (off_t)at), sizeof e);
        assert_int_equal(unpack(image, &err), -EBADMSG);
}

static void test_cut_off(void **state)
{
        own_fd int image = small_image();
        struct error err;
        struct stat st;

        fstat(image, &st);
        for (off_t size = st.st_size - 512; size >= 0; size -= 512) {
                assert_int_equal(ftruncate(image, size), 0);
                assert_int_equal(unpack(image, &err), -EBADMSG);
        }
}

/* Of each byte of the directories and inodes. */
static void test_any_byte(void **state)
{
        own_fd int image = small_image();
        struct error err;
        struct stat st;

        fstat(image, &st);
        for (off_t at = EROFS_SUPER_OFFSET; at < st.st_size; at++) {
                unsigned char was, is;
                int r;

                assert_int_equal(pread(image, &was, 1, at), 1);
                if (!was)
                        continue;
                is = was ^ 0x41;
                assert_int_equal(pwrite(image, &is, 1, at), 1);
                r = unpack(image, &err);
                if (r < 0 && r != -EBADMSG && r != -EFBIG)
                        fail_msg("byte %lld: %s", (long long)at, err.text);
                assert_int_equal(pwrite(image, &was, 1, at), 1);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tree),     cmocka_unit_test(test_deep_tree),
                cmocka_unit_test(test_cut_off),  cmocka_unit_test(test_directory_in_itself),
                cmocka_unit_test(test_any_byte),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
