/* SPDX-License-Identifier: Apache-2.0 */
#include "store_root.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <sqlite3.h>

struct findings {
        char text[4096];
        int n, repaired, verified;
        const char *bad_layer; /* for verify() */
};

static void on_found(void *userdata, const char *what, bool repaired)
{
        struct findings *f = userdata;
        size_t len = strlen(f->text);

        snprintf(f->text + len, sizeof f->text - len, "%s\n", what);
        f->n++;
        f->repaired += repaired;
}

static int on_verify(void *userdata, const struct layer_info *info, int image_fd, int recipe_fd, struct error *err)
{
        struct findings *f = userdata;
        struct digest bad = seed_digest(f->bad_layer);

        assert_true(image_fd >= 0);
        f->verified++;
        return digest_equal(&bad, &info->diff_id) ? error_set(err, EBADMSG, "its content is another") : 0;
}

static int check(struct store_root *t, bool repair, struct findings *f)
{
        const struct store_checker c = {
                .repair = repair, .found = on_found, .verify = f->bad_layer ? on_verify : NULL, .userdata = f
        };

        f->n = f->repaired = f->verified = 0;
        *f->text = '\0';
        return store_check(t->store, &c, &t->err);
}

static void write_file(const char *path, const char *text)
{
        own_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static const char *path_of(struct store_root *t, const char *name)
{
        static char path[256];

        snprintf(path, sizeof path, "%s/%s", t->root, name);
        return path;
}

static void test_sound(void **state)
{
        struct store_root *t = *state;
        struct findings f = { .bad_layer = "none" };

        assert_int_equal(check(t, false, &f), 0);
        image_add(t, "foo", "foo", 2, "a", "b");
        assert_int_equal(check(t, false, &f), 0);
        assert_int_equal(f.verified, 2);
        assert_int_equal(check(t, true, &f), 0);
        assert_int_equal(f.n, 0);
}

static void test_collect(void **state)
{
        struct store_root *t = *state;
        struct store_collected c;
        own_fd int pinned = -1;

        image_add(t, "foo", "foo", 1, "a");
        close(seed_layer(t->store, "b", 8192, &t->err));
        pinned = seed_layer(t->store, "c", 8192, &t->err);
        assert_int_equal(store_collect(t->store, &c, &t->err), 0);
        assert_int_equal(c.layers, 1);
        assert_int_equal(c.blobs, 0);
        assert_int_equal(c.files, 0);
        assert_true(c.bytes > 0);
        assert_true(has_layer(t, "a"));
        assert_false(has_layer(t, "b"));
        assert_true(has_layer(t, "c"));
        close(take_fd(&pinned));
        assert_int_equal(store_collect(t->store, &c, &t->err), 0);
        assert_int_equal(c.layers, 1);
        assert_false(is_file(layer_path(t, "c", "")));
        assert_false(is_file(layer_path(t, "c", ".recipe")));
}

static void test_strays(void **state)
{
        struct store_root *t = *state;
        struct findings f = {};
        struct store_collected c;
        own_fd int used = -1;

        image_add(t, "foo", "foo", 1, "a");
        write_file(layer_path(t, "none", ""), "x");
        write_file(layer_path(t, "none", ".recipe"), "x");
        write_file(path_of(t, "layers/other"), "x");
        write_file(path_of(t, "tmp/0123"), "x");
        write_file(path_of(t, "blobs/sha256/other"), "x");
        assert_int_equal(symlink("/etc/passwd", path_of(t, "layers/link")), 0);
        assert_int_equal(mkfifo(path_of(t, "layers/fifo"), 0600), 0);
        assert_int_equal(mkdir(path_of(t, "layers/empty"), 0700), 0);
        used = open(path_of(t, "tmp/0123"), O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(used, LOCK_SH), 0);
        assert_int_equal(check(t, false, &f), 7);
        assert_non_null(strstr(f.text, "layers/link belongs to nothing"));
        assert_int_equal(store_collect(t->store, &c, &t->err), 0);
        assert_int_equal(c.files, 7);
        assert_true(is_file(path_of(t, "tmp/0123")));
        close(take_fd(&used));
        assert_int_equal(check(t, true, &f), 0);
        assert_int_equal(f.repaired, 1);
        assert_false(is_file(path_of(t, "tmp/0123")));
        assert_true(has_image(t, "foo"));
        assert_true(has_layer(t, "a"));
        assert_true(is_file("/etc/passwd"));
}

static void test_missing_layer(void **state)
{
        struct store_root *t = *state;
        struct findings f = {};

        image_add(t, "foo", "foo", 2, "a", "b");
        assert_int_equal(unlink(layer_path(t, "a", "")), 0);
        assert_int_equal(check(t, false, &f), 1);
        assert_non_null(strstr(f.text, "is missing"));
        assert_int_equal(check(t, true, &f), 1);
        assert_int_equal(f.repaired, 1);
        assert_non_null(strstr(f.text, "lacks layer"));
        assert_false(is_file(layer_path(t, "a", ".recipe")));
        assert_int_equal(check(t, true, &f), 1);
        assert_true(has_image(t, "foo"));
        image_add(t, "foo", "foo", 2, "a", "b");
        assert_int_equal(check(t, false, &f), 0);
}

static void test_wrong_content(void **state)
{
        struct store_root *t = *state;
        struct findings f = { .bad_layer = "a" };
        struct digest d = seed_digest("a");
        own_fd int pinned = -1;

        image_add(t, "foo", "foo", 2, "a", "b");
        pinned = store_layer_open(t->store, &d, NULL, NULL, &t->err);
        assert_int_equal(check(t, false, &f), 1);
        assert_int_equal(check(t, true, &f), 1);
        assert_int_equal(f.repaired, 0);
        assert_int_equal(store_layer_forget(t->store, &d, &t->err), -EBUSY);
        assert_true(has_layer(t, "a"));
        close(take_fd(&pinned));
        assert_int_equal(check(t, true, &f), 1);
        assert_int_equal(f.repaired, 1);
        assert_false(has_layer(t, "a"));
        d = seed_digest("b");
        assert_int_equal(store_layer_forget(t->store, &d, &t->err), 0);
        assert_false(has_layer(t, "b"));
}

static void test_no_erofs_image(void **state)
{
        struct store_root *t = *state;
        struct findings f = {};

        image_add(t, "foo", "foo", 1, "a");
        assert_int_equal(chmod(layer_path(t, "a", ""), 0600), 0);
        assert_int_equal(truncate(layer_path(t, "a", ""), 0), 0);
        assert_int_equal(truncate(layer_path(t, "a", ""), 8192), 0);
        assert_int_equal(check(t, false, &f), 1);
        assert_non_null(strstr(f.text, "is damaged"));
}

static void test_missing_blob(void **state)
{
        struct store_root *t = *state;
        struct findings f = {};
        struct digest id = seed_id("foo");

        image_add(t, "foo", "foo", 1, "a");
        assert_int_equal(truncate(blob_path(t, &id), 1), 0);
        assert_int_equal(check(t, false, &f), 1);
        assert_int_equal(check(t, true, &f), 1);
        assert_non_null(strstr(f.text, "lacks its configuration"));
        image_add(t, "foo", "foo", 1, "a");
        assert_int_equal(check(t, false, &f), 0);
}

/* What a killed process did not sync is synced by the next one that looks. */
static void test_syncs(void **state)
{
        struct store_root *t = *state;
        struct findings f = {};
        struct stat st;

        image_add(t, "foo", "foo", 1, "a");
        wait_synced(t);
        assert_int_equal(chmod(layer_path(t, "a", ""), 0600), 0);
        assert_int_equal(check(t, false, &f), 0);
        assert_int_equal(stat(layer_path(t, "a", ""), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0400);
}

static void test_lost_database(void **state)
{
        struct store_root *t = *state;
        struct digest id = seed_id("foo");
        struct reference other = named("quay.io/team/foo:1");
        struct findings f = {};

        image_add(t, "foo", "foo", 2, "a", "b");
        image_add(t, "bar", "bar", 1, "a");
        assert_int_equal(store_image_tag(t->store, &id, &other, &t->err), 0);
        id = seed_id("bar");
        wait_synced(t);
        root_close(t);
        assert_int_equal(unlink(path_of(t, "holt.db")), 0);
        root_open(t);
        assert_true(has_image(t, "foo"));
        assert_true(has_image(t, "quay.io/team/foo:1"));
        assert_true(has_image(t, "bar"));
        assert_true(has_layer(t, "b"));
        assert_int_equal(check(t, false, &f), 0);
        assert_int_equal(store_image_remove(t->store, &id, &t->err), 0);
        assert_int_equal(check(t, false, &f), 0);
}

static void test_lost_database_and_names(void **state)
{
        struct store_root *t = *state;
        struct digest id = seed_id("foo");
        struct store_usage u;

        image_add(t, "foo", "foo", 1, "a");
        wait_synced(t);
        root_close(t);
        assert_int_equal(unlink(path_of(t, "holt.db")), 0);
        write_file(path_of(t, "names.json"), "{ not JSON");
        root_open(t);
        assert_false(has_image(t, "foo"));
        assert_true(has_image(t, id.text));
        assert_int_equal(store_usage(t->store, &u, &t->err), 0);
        assert_int_equal(u.dangling_images, 1);
}

/* What is half there is no reason for the rest to be lost. */
static void test_lost_database_and_files(void **state)
{
        struct store_root *t = *state;
        struct digest id = seed_id("bar");
        struct findings f = {};

        image_add(t, "foo", "foo", 2, "a", "b");
        image_add(t, "bar", "bar", 1, "a");
        image_add(t, "baz", "baz", 1, "c");
        wait_synced(t);
        root_close(t);
        assert_int_equal(unlink(path_of(t, "holt.db")), 0);
        assert_int_equal(unlink(layer_path(t, "b", "")), 0);
        assert_int_equal(unlink(blob_path(t, &id)), 0);
        write_file(layer_path(t, "d", ""), "no EROFS image");
        write_file(blob_path(t, &id), "{}");
        assert_int_equal(chmod(blob_path(t, &id), 0400), 0);
        root_open(t);
        assert_false(has_image(t, "foo"));
        assert_false(has_image(t, "bar"));
        assert_true(has_image(t, "baz"));
        check(t, true, &f);
        assert_int_equal(check(t, true, &f), 0);
}

/* So that the database is all that there is, and no log that covers its damage. */
static void empty_log(struct store_root *t)
{
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path_of(t, "holt.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
}

static void test_damaged_database(void **state)
{
        struct store_root *t = *state;
        struct store *s = NULL;

        image_add(t, "foo", "foo", 1, "a");
        wait_synced(t);
        root_close(t);
        empty_log(t);
        write_file(path_of(t, "holt.db"),
                   "this is no database, and long enough to be taken for one that is damaged ...");
        assert_int_equal(store_open(t->root, t->run, &s, &t->err), -EUCLEAN);
        assert_non_null(strstr(t->err.text, "holt system check --repair"));
        assert_int_equal(store_rebuild(t->root, t->run, &t->err), 0);
        root_open(t);
        assert_true(has_image(t, "foo"));
        assert_true(is_file(path_of(t, "holt.db.damaged")));
        assert_int_equal(store_rebuild(t->root, t->run, &t->err), -EBUSY);
}

static void corrupt(const char *path)
{
        own_fd int fd = open(path, O_RDWR | O_CLOEXEC);
        char garbage[4096];

        memset(garbage, 0x5a, sizeof garbage);
        for (int page = 1; page < 15; page++)
                assert_int_equal(pwrite(fd, garbage, sizeof garbage, page * 4096), sizeof garbage);
}

static void test_damaged_pages(void **state)
{
        struct store_root *t = *state;
        struct findings f = {};

        image_add(t, "foo", "foo", 1, "a");
        wait_synced(t);
        root_close(t);
        empty_log(t);
        corrupt(path_of(t, "holt.db"));
        root_open(t);
        assert_int_equal(check(t, true, &f), -EUCLEAN);
        root_close(t);
        assert_int_equal(store_rebuild(t->root, t->run, &t->err), 0);
        root_open(t);
        assert_true(has_image(t, "foo"));
        assert_int_equal(check(t, false, &f), 0);
}

static void test_newer_database(void **state)
{
        struct store_root *t = *state;
        struct store *s = NULL;
        sqlite3 *db;

        root_close(t);
        assert_int_equal(sqlite3_open(path_of(t, "holt.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(store_open(t->root, t->run, &s, &t->err), -ENOTSUP);
        assert_non_null(strstr(t->err.text, "newer holt"));
        assert_int_equal(sqlite3_open(path_of(t, "holt.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        root_open(t);
}

static void test_places(void **state)
{
        struct store_root *t = *state;
        struct store *s = NULL;
        struct stat st;

        assert_string_equal(store_root(t->store), t->root);
        assert_string_equal(store_run(t->store), t->run);
        assert_int_equal(stat(t->root, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        assert_int_equal(stat(path_of(t, "holt.db"), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(store_open("/dev/null", t->run, &s, &t->err), -ENOTDIR);
        assert_int_equal(store_open("/proc/none/store", t->run, &s, &t->err), -ENOENT);
        assert_null(s);
}

/* Not root's: where XDG wants them. */
static void test_default_places(void **state)
{
        struct store_root *t = *state;
        char home[64], expected[128];
        int status;
        pid_t pid;

        assert_int_equal(chmod(t->top, 0777), 0);
        snprintf(home, sizeof home, "%s/home", t->top);
        pid = fork();
        if (pid == 0) {
                struct store *s = NULL;

                if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
                        _exit(1);
                unsetenv("XDG_DATA_HOME");
                unsetenv("HOME");
                if (store_open(NULL, NULL, &s, NULL) != -ENOENT)
                        _exit(2);
                setenv("HOME", home, 1);
                unsetenv("XDG_RUNTIME_DIR");
                snprintf(expected, sizeof expected, "%s/.local/share/holt", home);
                if (store_open(NULL, NULL, &s, NULL) < 0 || strcmp(store_root(s), expected) != 0)
                        _exit(3);
                strcat(expected, "/run");
                if (strcmp(store_run(s), expected) != 0)
                        _exit(4);
                store_close(s);
                setenv("XDG_DATA_HOME", home, 1);
                setenv("XDG_RUNTIME_DIR", t->top, 1);
                snprintf(expected, sizeof expected, "%s/holt", home);
                if (store_open(NULL, NULL, &s, NULL) < 0 || strcmp(store_root(s), expected) != 0)
                        _exit(5);
                snprintf(expected, sizeof expected, "%s/holt", t->top);
                if (strcmp(store_run(s), expected) != 0)
                        _exit(6);
                store_close(s);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, root_setup, root_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_sound),
                TEST(test_collect),
                TEST(test_strays),
                TEST(test_missing_layer),
                TEST(test_wrong_content),
                TEST(test_no_erofs_image),
                TEST(test_missing_blob),
                TEST(test_syncs),
                TEST(test_lost_database),
                TEST(test_lost_database_and_names),
                TEST(test_lost_database_and_files),
                TEST(test_damaged_database),
                TEST(test_damaged_pages),
                TEST(test_newer_database),
                TEST(test_places),
                TEST(test_default_places),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
