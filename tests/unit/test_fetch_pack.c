/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "check.h"
#include "fetch/deflate.h"
#include "fetch/hash.h"
#include "fetch/inflate.h"
#include "fetch/pack.h"
#include "fetch/unpack.h"
#include "tar_fixture.h"

enum { FILE_SIZE = 2000000 };

static int take(void *userdata, const void *data, size_t n, struct error *err)
{
        buf_add(userdata, data, n);
        return 0;
}

/* ---- compression ---- */

static void deflate_whole(enum compression c, int level, unsigned threads, const char *data, size_t n, size_t piece,
                          struct buf *ret)
{
        struct error err = {};
        own_deflate struct deflate *d = deflate_new(c, level, threads, take, ret, &err);

        assert_non_null(d);
        for (size_t at = 0; at < n; at += piece)
                assert_int_equal(deflate_add(d, data + at, n - at < piece ? n - at : piece, &err), 0);
        assert_int_equal(deflate_end(d, &err), 0);
}

static ssize_t give(void *userdata, const void **ret, struct error *err)
{
        struct buf *b = userdata;
        size_t n = b->len;

        *ret = b->data;
        b->len = 0;
        return (ssize_t)n;
}

static void expect(enum compression c, struct buf blob, const char *data, size_t n)
{
        struct error err = {};
        own_inflate struct inflate *i = inflate_new(c, true, give, &blob, &err);
        own_mem char *back = malloc(n + 1);

        assert_int_equal(compression_of(blob.data, blob.len), c);
        assert_int_equal(inflate_read(i, back, n + 1, &err), n);
        if (n)
                assert_memory_equal(back, data, n);
}

static void test_same_bytes(void **state)
{
        static const enum compression kinds[] = { COMPRESSION_GZIP, COMPRESSION_ZSTD };
        static const size_t sizes[] = { 0, 1, 262143, 262144, 262145, 524288, 7000000 };
        own_mem char *noise = fixture_noise(7000000, 1);

        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
                for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                        own_buf struct buf one = {};

                        deflate_whole(kinds[k], 0, 1, noise, sizes[i], 8000000, &one);
                        expect(kinds[k], one, noise, sizes[i]);
                        for (unsigned threads = 2; threads <= 8; threads += 3) {
                                own_buf struct buf more = {};

                                deflate_whole(kinds[k], 0, threads, noise, sizes[i], 10007, &more);
                                assert_int_equal(more.len, one.len);
                                assert_memory_equal(more.data, one.data, one.len);
                        }
                }
        }
}

static void test_levels(void **state)
{
        own_mem char *noise = fixture_noise(1000000, 1);
        own_buf struct buf fast = {}, usual = {}, six = {};
        struct error err = {};

        deflate_whole(COMPRESSION_GZIP, 1, 0, noise, 1000000, 65536, &fast);
        deflate_whole(COMPRESSION_GZIP, 0, 0, noise, 1000000, 65536, &usual);
        deflate_whole(COMPRESSION_GZIP, 6, 0, noise, 1000000, 65536, &six);
        assert_true(fast.len > usual.len);
        assert_int_equal(six.len, usual.len);
        assert_null(deflate_new(COMPRESSION_GZIP, 10, 0, take, NULL, &err));
        assert_int_equal(err.code, EINVAL);
        assert_null(deflate_new(COMPRESSION_ZSTD, 100, 0, take, NULL, &err));
        assert_int_equal(err.code, EINVAL);
        assert_null(deflate_new(COMPRESSION_XZ, 0, 0, take, NULL, &err));
        assert_int_equal(err.code, EOPNOTSUPP);
}

static int refuse(void *userdata, const void *data, size_t n, struct error *err)
{
        size_t *left = userdata;

        if (n > *left)
                return error_set(err, EPIPE, "nobody reads");
        *left -= n;
        return 0;
}

static void test_nobody_reads(void **state)
{
        static const enum compression kinds[] = { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };
        own_mem char *noise = fixture_noise(7000000, 1);

        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
                struct error err = {};
                size_t left = 1000000;
                own_deflate struct deflate *d = deflate_new(kinds[k], 0, 0, refuse, &left, &err);
                int r = 0;

                for (size_t i = 0; r == 0 && i < 70; i++)
                        r = deflate_add(d, noise + i * 100000, 100000, &err);
                if (r == 0)
                        r = deflate_end(d, &err);
                assert_int_equal(r, -EPIPE);
        }
}

/* ---- layers ---- */

struct layer {
        int image, recipe;
        struct unpack_result result;
        struct buf archive;
};

static int setup(void **state)
{
        static struct layer l;
        own_mem char *noise = fixture_noise(FILE_SIZE, 1);
        struct error err = {};
        struct unpack *u;

        l.image = memfd_create("image", MFD_CLOEXEC);
        l.recipe = memfd_create("recipe", MFD_CLOEXEC);
        tar_fixture_entry(&l.archive, '0', "noise", "", noise, FILE_SIZE);
        tar_fixture_entry(&l.archive, '5', "d/", "", NULL, 0);
        tar_fixture_entry(&l.archive, '0', "d/small", "", "hello", 5);
        tar_fixture_end(&l.archive);
        u = unpack_start(&(struct unpack_options){ l.image, l.recipe, .blob_size = UINT64_MAX }, &err);
        assert_non_null(u);
        assert_int_equal(unpack_write(u, l.archive.data, l.archive.len, &err), 0);
        assert_int_equal(unpack_end(u, &l.result, &err), 0);
        *state = &l;
        return 0;
}

static int teardown(void **state)
{
        struct layer *l = *state;

        close(l->image);
        close(l->recipe);
        buf_finish(&l->archive);
        return 0;
}

static void test_around(void **state)
{
        static const enum compression kinds[] = { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };
        const struct layer *l = *state;

        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
                own_buf struct buf blob = {};
                struct pack_result res = {};
                struct digest found;
                struct error err = {};

                assert_int_equal(
                        pack_layer(l->image, l->recipe, &l->result.diff_id, kinds[k], 0, take, &blob, &res, &err), 0);
                expect(kinds[k], blob, l->archive.data, l->archive.len);
                assert_int_equal(res.tar_size, l->archive.len);
                assert_int_equal(res.blob_size, blob.len);
                assert_string_equal(res.diff_id.text, l->result.diff_id.text);
                assert_int_equal(hash_of(blob.data, blob.len, &found, &err), 0);
                assert_string_equal(res.blob.text, found.text);
        }
}

static void test_another_layer(void **state)
{
        const struct layer *l = *state;
        own_buf struct buf blob = {};
        struct pack_result res;
        struct digest other;
        struct error err = {};

        assert_int_equal(hash_of("x", 1, &other, &err), 0);
        assert_int_equal(pack_layer(l->image, l->recipe, &other, COMPRESSION_GZIP, 0, take, &blob, &res, &err),
                         -EBADMSG);
        assert_int_equal(
                pack_layer(l->recipe, l->image, &l->result.diff_id, COMPRESSION_GZIP, 0, take, &blob, &res, &err),
                -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same_bytes),    cmocka_unit_test(test_levels),
                cmocka_unit_test(test_nobody_reads),  cmocka_unit_test(test_around),
                cmocka_unit_test(test_another_layer),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
