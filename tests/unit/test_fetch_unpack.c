/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "check.h"
#include "fetch/hash.h"
#include "fetch/unpack.h"
#include "store/tar_recipe.h"
#include "tar_fixture.h"

enum { FILE_SIZE = 3000000 };

struct fixture {
        struct buf archive, gzip;
        struct digest archive_digest, gzip_digest;
};

static int setup(void **state)
{
        static struct fixture f;
        own_mem char *noise = fixture_noise(FILE_SIZE, 1);
        struct error err;

        tar_fixture_entry(&f.archive, '5', "d/", "", NULL, 0);
        tar_fixture_entry(&f.archive, '0', "d/noise", "", noise, FILE_SIZE);
        tar_fixture_entry(&f.archive, '0', "small", "", "hello", 5);
        tar_fixture_entry(&f.archive, '2', "link", "small", NULL, 0);
        tar_fixture_end(&f.archive);
        fixture_gzip(&f.gzip, f.archive.data, f.archive.len);
        assert_int_equal(hash_of(f.archive.data, f.archive.len, &f.archive_digest, &err), 0);
        assert_int_equal(hash_of(f.gzip.data, f.gzip.len, &f.gzip_digest, &err), 0);
        *state = &f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        buf_finish(&f->archive);
        buf_finish(&f->gzip);
        return 0;
}

struct files {
        int image, recipe;
};

static struct files files_new(void)
{
        return (struct files){ memfd_create("image", MFD_CLOEXEC), memfd_create("recipe", MFD_CLOEXEC) };
}

static void files_close(const struct files *f)
{
        close(f->image);
        close(f->recipe);
}
#define own_files __attribute__((cleanup(files_close)))

/* Writes the blob in pieces. */
static int run(const struct unpack_options *o, const struct buf *blob, size_t piece, struct unpack_result *ret,
               struct error *err)
{
        struct unpack *u = unpack_start(o, err);
        int r = u ? 0 : -err->code;

        for (size_t at = 0; r == 0 && at < blob->len; at += piece) {
                r = unpack_write(u, blob->data + at, blob->len - at < piece ? blob->len - at : piece, err);
                if (r < 0)
                        unpack_abort(u);
        }
        return r == 0 ? unpack_end(u, ret, err) : r;
}

static int run_simply(const struct buf *blob, struct error *err)
{
        own_files struct files f = files_new();
        struct unpack_result res;

        return run(&(struct unpack_options){ f.image, f.recipe, .blob_size = UINT64_MAX }, blob, 100000, &res, err);
}

struct compared {
        const struct buf *wanted;
        size_t at;
};

static int compare(void *userdata, const void *data, size_t n, struct error *err)
{
        struct compared *c = userdata;

        assert_true(n <= c->wanted->len - c->at);
        assert_memory_equal(c->wanted->data + c->at, data, n);
        c->at += n;
        return 0;
}

static void contents(int fd, struct buf *ret)
{
        char data[65536];
        ssize_t n;

        lseek(fd, 0, SEEK_SET);
        while ((n = read(fd, data, sizeof data)) > 0)
                buf_add(ret, data, (size_t)n);
}

static void test_layer(void **state)
{
        const struct fixture *fx = *state;
        own_buf struct buf zstd = {}, xz = {}, first = {}, first_recipe = {};
        const struct {
                const struct buf *blob;
                enum compression compression;
                size_t piece;
                bool portable;
        } tries[] = {
                { &fx->gzip, COMPRESSION_GZIP, 65536, false }, { &fx->gzip, COMPRESSION_GZIP, 3, true },
                { &fx->archive, COMPRESSION_NONE, 1, false },  { &fx->archive, COMPRESSION_NONE, 10000000, false },
                { &zstd, COMPRESSION_ZSTD, 777, false },       { &xz, COMPRESSION_XZ, 100000, false },
        };

        fixture_zstd(&zstd, fx->archive.data, fx->archive.len);
        fixture_xz(&xz, fx->archive.data, fx->archive.len);
        for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
                own_files struct files f = files_new();
                own_buf struct buf image = {}, recipe = {};
                struct compared c = { &fx->archive, 0 };
                struct unpack_result res = {};
                struct digest blob;
                struct error err = {};
                const struct unpack_options o = { f.image,
                                                  f.recipe,
                                                  .blob = &blob,
                                                  .diff_id = &fx->archive_digest,
                                                  .blob_size = tries[i].blob->len,
                                                  .max_tar_size = fx->archive.len,
                                                  .portable = tries[i].portable };

                assert_int_equal(hash_of(tries[i].blob->data, tries[i].blob->len, &blob, &err), 0);
                if (run(&o, tries[i].blob, tries[i].piece, &res, &err) < 0)
                        fail_msg("%s", err.text);
                assert_string_equal(res.blob.text, blob.text);
                assert_string_equal(res.diff_id.text, fx->archive_digest.text);
                assert_int_equal(res.compression, tries[i].compression);
                assert_int_equal(res.blob_size, tries[i].blob->len);
                assert_int_equal(res.tar_size, fx->archive.len);
                assert_int_equal(tar_recipe_follow(f.recipe, f.image, compare, &c, &err), 0);
                assert_int_equal(c.at, fx->archive.len);
                contents(f.image, &image);
                contents(f.recipe, &recipe);
                assert_int_equal(res.image_size, image.len);
                if (i == 0) {
                        buf_add(&first, image.data, image.len);
                        buf_add(&first_recipe, recipe.data, recipe.len);
                }
                assert_int_equal(image.len, first.len);
                assert_memory_equal(image.data, first.data, first.len);
                assert_int_equal(recipe.len, first_recipe.len);
                assert_memory_equal(recipe.data, first_recipe.data, first_recipe.len);
        }
}

static void test_sha512(void **state)
{
        const struct fixture *fx = *state;
        own_files struct files f = files_new();
        own_hash struct hash *h = hash_new("sha512");
        struct unpack_result res = {};
        struct digest blob;
        struct error err = {};
        const struct unpack_options o = { f.image, f.recipe, .blob = &blob, .blob_size = UINT64_MAX };

        hash_add(h, fx->archive.data, fx->archive.len);
        hash_end(h, &blob);
        assert_int_equal(run(&o, &fx->archive, 65536, &res, &err), 0);
        assert_string_equal(res.blob.text, blob.text);
        assert_string_equal(res.diff_id.text, fx->archive_digest.text);
}

static void test_promises(void **state)
{
        const struct fixture *fx = *state;
        const struct digest *good = &fx->gzip_digest, *diff_id = &fx->archive_digest;
        const struct {
                struct unpack_options options;
                int code;
                const char *why;
        } tries[] = {
                { { .blob = diff_id, .blob_size = UINT64_MAX }, EBADMSG, "the blob has the digest" },
                { { .diff_id = good, .blob_size = UINT64_MAX }, EBADMSG, "archive has the digest" },
                { { .blob_size = fx->gzip.len + 1 }, EBADMSG, "shorter" },
                { { .blob_size = fx->gzip.len - 1 }, EBADMSG, "longer" },
                { { .blob_size = 0 }, EBADMSG, "longer" },
                { { .blob_size = UINT64_MAX, .max_tar_size = fx->archive.len - 1 }, EFBIG, "larger" },
                { { .blob_size = UINT64_MAX, .max_tar_size = 1 }, EFBIG, "larger" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
                own_files struct files f = files_new();
                struct unpack_options o = tries[i].options;
                struct unpack_result res = {};
                struct error err = {};

                o.image_fd = f.image;
                o.recipe_fd = f.recipe;
                assert_int_equal(run(&o, &fx->gzip, 65536, &res, &err), -tries[i].code);
                if (!strstr(err.text, tries[i].why))
                        fail_msg("%s", err.text);
        }
}

static void test_hostile(void **state)
{
        const struct fixture *fx = *state;
        own_mem char *noise = fixture_noise(1000000, 9);
        struct buf cut = { .data = fx->gzip.data, .len = fx->gzip.len / 2 };
        struct buf cut_archive = { .data = fx->archive.data, .len = fx->archive.len / 2 };
        struct buf no_tar = { .data = noise, .len = 1000000 }, empty = {};
        own_buf struct buf behind = {}, packed_noise = {}, late = {};
        struct error err = {};

        assert_int_equal(run_simply(&cut, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "cut off"));
        assert_int_equal(run_simply(&cut_archive, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "cut off"));
        assert_int_equal(run_simply(&no_tar, &err), -EBADMSG);
        fixture_gzip(&packed_noise, noise, 1000000);
        assert_int_equal(run_simply(&packed_noise, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "no tar header"));
        assert_int_equal(run_simply(&empty, &err), 0);

        buf_add(&behind, fx->gzip.data, fx->gzip.len);
        buf_add_str(&behind, "more");
        assert_int_equal(run_simply(&behind, &err), -EBADMSG);

        tar_fixture_entry(&late, '0', "../out", "", "x", 1);
        buf_add(&late, fx->archive.data, fx->archive.len);
        assert_int_equal(run_simply(&late, &err), -EINVAL);
        assert_non_null(strstr(err.text, "\"..\""));
}

static void test_full_disk(void **state)
{
        const struct fixture *fx = *state;

        for (int which = 0; which < 2; which++) {
                own_files struct files f = files_new();
                own_fd int full = open("/dev/full", O_RDWR | O_CLOEXEC);
                struct unpack_result res = {};
                struct error err = {};
                const struct unpack_options o = { which ? f.image : full, which ? full : f.recipe,
                                                  .blob_size = UINT64_MAX };

                assert_int_equal(run(&o, &fx->gzip, 65536, &res, &err), -ENOSPC);
                assert_non_null(strstr(err.text, "No space left on device"));
        }
}

/* At every moment, with threads that wait for each other. */
static void test_abort(void **state)
{
        const struct fixture *fx = *state;

        unpack_abort(NULL);
        for (size_t n = 0; n <= fx->gzip.len; n += fx->gzip.len / 7) {
                own_files struct files f = files_new();
                struct error err = {};
                struct unpack *u =
                        unpack_start(&(struct unpack_options){ f.image, f.recipe, .blob_size = UINT64_MAX }, &err);

                assert_non_null(u);
                assert_int_equal(unpack_write(u, fx->gzip.data, n, &err), 0);
                unpack_abort(u);
        }
}

static void test_bomb(void **state)
{
        own_buf struct buf archive = {}, bomb = {};
        own_files struct files f = files_new();
        const size_t size = 50 << 20;
        own_mem char *zeros = calloc(1, size);
        struct unpack_result res = {};
        struct error err = {};
        struct stat st;

        tar_fixture_entry(&archive, '0', "zeros", "", zeros, size);
        tar_fixture_end(&archive);
        fixture_gzip(&bomb, archive.data, archive.len);
        assert_int_equal(
                run(&(struct unpack_options){ f.image, f.recipe, .blob_size = UINT64_MAX, .max_tar_size = 5 << 20 },
                    &bomb, 65536, &res, &err),
                -EFBIG);
        assert_int_equal(fstat(f.image, &st), 0);
        assert_true(st.st_size <= 5 << 20);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_layer),   cmocka_unit_test(test_sha512),    cmocka_unit_test(test_promises),
                cmocka_unit_test(test_hostile), cmocka_unit_test(test_full_disk), cmocka_unit_test(test_abort),
                cmocka_unit_test(test_bomb),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
