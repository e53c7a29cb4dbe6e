/* SPDX-License-Identifier: Apache-2.0 */
#include "store_root.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <sqlite3.h>

static void test_added_and_opened(void **state)
{
        struct store_root *t = *state;
        struct digest d = seed_digest("a");
        own_fd int added = seed_layer(t->store, "a", 8192, &t->err), opened = -1, recipe = -1;
        struct layer_info info;
        char text[16] = "";
        struct stat st;

        assert_true(added >= 0);
        opened = store_layer_open(t->store, &d, &info, &recipe, &t->err);
        assert_true(opened >= 0);
        assert_int_equal(fstat(opened, &st), 0);
        assert_int_equal(st.st_size, 8192);
        assert_int_equal(info.size, 8192);
        assert_int_equal(info.tar_size, 8193);
        assert_int_equal(info.recipe_size, 6);
        assert_true(digest_equal(&info.diff_id, &d));
        assert_int_equal(read(recipe, text, sizeof text), 6);
        assert_string_equal(text, "recipe");
        assert_true(write(opened, "x", 1) < 0);
}

static void test_none(void **state)
{
        struct store_root *t = *state;
        struct digest d = seed_digest("none");

        assert_int_equal(store_layer_open(t->store, &d, NULL, NULL, &t->err), -ENOENT);
        assert_non_null(strstr(t->err.text, "no such layer: sha256:"));
}

static void test_without_a_recipe(void **state)
{
        struct store_root *t = *state;
        struct layer_info info = { .diff_id = seed_digest("a") };
        own_fd int image = seed_file(t->store, 8192, &t->err), fd = -1;
        int recipe = 0;

        fd = store_layer_add(t->store, &info, image, -1, &t->err);
        assert_true(fd >= 0);
        close(take_fd(&fd));
        fd = store_layer_open(t->store, &info.diff_id, &info, &recipe, &t->err);
        assert_true(fd >= 0);
        assert_int_equal(recipe, -1);
        assert_int_equal(info.recipe_size, 0);
}

static void test_one_that_is_there_is_as_good(void **state)
{
        struct store_root *t = *state;
        struct stat before, after;
        own_fd int a = seed_layer(t->store, "a", 8192, &t->err), b = seed_layer(t->store, "a", 12288, &t->err);

        assert_true(a >= 0 && b >= 0);
        assert_int_equal(fstat(a, &before), 0);
        assert_int_equal(fstat(b, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
}

static void test_what_is_no_layer(void **state)
{
        struct store_root *t = *state;
        struct layer_info info = { .diff_id = seed_digest("a") };
        own_fd int empty = store_new_file(t->store, &t->err), image = seed_file(t->store, 8192, &t->err), other = -1;
        own_fd int foreign = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        int ends[2];

        assert_int_equal(store_layer_add(t->store, &info, empty, -1, &t->err), -EINVAL);
        assert_int_equal(store_layer_add(t->store, &info, image, empty, &t->err), -EINVAL);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(store_layer_add(t->store, &info, ends[0], -1, &t->err), -EINVAL);
        close(ends[0]);
        close(ends[1]);
        if (foreign >= 0) {
                assert_int_equal(ftruncate(foreign, 8192), 0);
                assert_int_equal(store_layer_add(t->store, &info, foreign, -1, &t->err), -EXDEV);
        }
        other = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        assert_int_equal(store_layer_add(t->store, &info, other, -1, &t->err), -EXDEV);
        assert_false(has_layer(t, "a"));
        root_reopen(t);
        assert_false(has_layer(t, "a"));
}

/* What a machine left that lost its power before the layer was on the disk. */
static void forget_boot(struct store_root *t)
{
        char path[128];
        sqlite3 *db;

        snprintf(path, sizeof path, "%s/holt.db", t->root);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(
                sqlite3_exec(db, "UPDATE layer SET boot = 'before'; UPDATE blob SET boot = 'before'", NULL, NULL, NULL),
                SQLITE_OK);
        sqlite3_close(db);
}

static void test_synced_in_the_end(void **state)
{
        struct store_root *t = *state;
        own_fd int fd = seed_layer(t->store, "a", 8192, &t->err);
        struct stat st;

        assert_int_equal(stat(layer_path(t, "a", ""), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        root_reopen(t);
        wait_synced(t);
        forget_boot(t);
        assert_true(has_layer(t, "a"));
}

static void test_lost_power(void **state)
{
        struct store_root *t = *state;
        struct digest d = seed_digest("a");
        struct stat before, after;

        image_add(t, "foo", "foo", 1, "a");
        wait_synced(t);
        assert_int_equal(chmod(layer_path(t, "a", ""), 0600), 0);
        forget_boot(t);
        assert_int_equal(stat(layer_path(t, "a", ""), &before), 0);
        assert_int_equal(store_layer_open(t->store, &d, NULL, NULL, &t->err), -ENOENT);
        assert_non_null(strstr(t->err.text, "may not have reached the disk"));
        /* It comes again, and is as good as new. */
        image_add(t, "foo", "foo", 1, "a");
        assert_true(has_layer(t, "a"));
        assert_int_equal(stat(layer_path(t, "a", ""), &after), 0);
        assert_int_not_equal(before.st_ino, after.st_ino);
}

static void test_damaged_files_are_none(void **state)
{
        struct store_root *t = *state;
        struct digest d = seed_digest("a");
        int recipe = -1;

        image_add(t, "foo", "foo", 2, "a", "b");
        assert_int_equal(chmod(layer_path(t, "a", ".recipe"), 0600), 0);
        assert_int_equal(truncate(layer_path(t, "a", ".recipe"), 3), 0);
        assert_int_equal(store_layer_open(t->store, &d, NULL, &recipe, &t->err), -ENOENT);
        assert_true(has_layer(t, "a")); /* to mount it is enough */
        assert_int_equal(truncate(layer_path(t, "a", ""), 4096), 0);
        assert_int_equal(store_layer_open(t->store, &d, NULL, NULL, &t->err), -ENOENT);
        assert_non_null(strstr(t->err.text, "wrong size"));
        assert_int_equal(unlink(layer_path(t, "a", "")), 0);
        assert_false(has_layer(t, "a"));
        image_add(t, "foo", "foo", 2, "a", "b");
        assert_true(has_layer(t, "a"));
}

/* As a collector that has deleted the row has it: who opens the layer waits, and finds none. */
static void test_opening_while_it_is_removed(void **state)
{
        struct store_root *t = *state;
        own_fd int fd = -1;
        int status;
        pid_t pid;

        image_add(t, "foo", "foo", 1, "a");
        root_close(t);
        fd = open(layer_path(t, "a", ""), O_RDONLY | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        pid = fork();
        if (pid == 0) {
                struct digest d = seed_digest("a");
                struct store *s;

                close(take_fd(&fd));
                alarm(10);
                if (store_open(t->root, t->run, &s, NULL) < 0)
                        _exit(2);
                _exit(store_layer_open(s, &d, NULL, NULL, NULL) == -ENOENT ? 0 : 1);
        }
        usleep(100000);
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        assert_int_equal(unlink(layer_path(t, "a", "")), 0);
        close(take_fd(&fd));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        root_open(t);
}

static int count_blob(void *userdata, const struct layer_blob *b)
{
        struct layer_blob *list = userdata;

        while (*list->digest.text)
                list++;
        *list = *b;
        return 0;
}

static int stop(void *userdata, const struct layer_blob *b)
{
        return 7;
}

static void test_blobs_of_a_layer(void **state)
{
        struct store_root *t = *state;
        struct layer_blob list[4] = {}, b = { .diff_id = seed_digest("a"),
                                              .digest = seed_digest("blob"),
                                              .size = 5,
                                              .compression = COMPRESSION_ZSTD,
                                              .ours = true };

        assert_int_equal(store_layer_blob_add(t->store, &b, &t->err), -ENOENT);
        image_add(t, "foo", "foo", 1, "a");
        assert_int_equal(store_layer_blob_add(t->store, &b, &t->err), 0);
        strcpy(b.source, "docker.io/library/debian");
        assert_int_equal(store_layer_blob_add(t->store, &b, &t->err), 0);
        b.size = 6;
        assert_int_equal(store_layer_blob_add(t->store, &b, &t->err), 0);
        assert_int_equal(store_layer_blobs(t->store, &b.diff_id, count_blob, list, &t->err), 0);
        assert_string_equal(list[0].source, "");
        assert_int_equal(list[0].size, 5);
        assert_int_equal(list[0].compression, COMPRESSION_ZSTD);
        assert_true(list[0].ours);
        assert_string_equal(list[1].source, "docker.io/library/debian");
        assert_int_equal(list[1].size, 6);
        assert_string_equal(list[2].digest.text, "");
        assert_int_equal(store_layer_blobs(t->store, &b.diff_id, stop, NULL, &t->err), 7);
        /* They go with the layer. */
        b.diff_id = seed_id("foo");
        assert_int_equal(store_image_remove(t->store, &b.diff_id, &t->err), 0);
        image_add(t, "foo", "foo", 1, "a");
        memset(list, 0, sizeof list);
        b.diff_id = seed_digest("a");
        assert_int_equal(store_layer_blobs(t->store, &b.diff_id, count_blob, list, &t->err), 0);
        assert_string_equal(list[0].digest.text, "");
}

static void test_blobs(void **state)
{
        struct store_root *t = *state;
        struct digest d = seed_digest("blob");
        own_buf struct buf text = {}, back = {};
        struct store_collected c;

        buf_add_str(&text, "{}");
        buf_add_str(&back, "before ");
        assert_int_equal(store_blob_read(t->store, &d, &back, &t->err), -ENOENT);
        assert_int_equal(seed_blob(t->store, &d, "text", &text, &t->err), 0);
        assert_int_equal(seed_blob(t->store, &d, "text", &text, &t->err), 0);
        assert_int_equal(store_blob_read(t->store, &d, &back, &t->err), 0);
        assert_string_equal(buf_str(&back), "before {}");
        /* It is pinned for who added it, be it in vain. */
        assert_int_equal(store_collect(t->store, &c, &t->err), 0);
        assert_int_equal(c.blobs, 0);
        root_reopen(t);
        assert_int_equal(store_collect(t->store, &c, &t->err), 0);
        assert_int_equal(c.blobs, 1);
        assert_false(is_file(blob_path(t, &d)));
        assert_int_equal(store_blob_read(t->store, &d, &back, &t->err), -ENOENT);
}

static void test_sha512(void **state)
{
        struct store_root *t = *state;
        struct layer_info info = {};
        own_fd int image = seed_file(t->store, 8192, &t->err), fd = -1;
        struct digest d = seed_digest("x"), e = seed_digest("y");
        struct store_collected c;

        snprintf(info.diff_id.text, sizeof info.diff_id.text, "sha512:%s%s", digest_hex(&d), digest_hex(&e));
        fd = store_layer_add(t->store, &info, image, -1, &t->err);
        assert_true(fd >= 0);
        assert_int_equal(store_collect(t->store, &c, &t->err), 0);
        assert_int_equal(c.layers + c.files, 0);
        close(take_fd(&fd));
        assert_int_equal(store_collect(t->store, &c, &t->err), 0);
        assert_int_equal(c.layers, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, root_setup, root_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_added_and_opened),
                TEST(test_none),
                TEST(test_without_a_recipe),
                TEST(test_one_that_is_there_is_as_good),
                TEST(test_what_is_no_layer),
                TEST(test_synced_in_the_end),
                TEST(test_lost_power),
                TEST(test_damaged_files_are_none),
                TEST(test_opening_while_it_is_removed),
                TEST(test_blobs_of_a_layer),
                TEST(test_blobs),
                TEST(test_sha512),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
