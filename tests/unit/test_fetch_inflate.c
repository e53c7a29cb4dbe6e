/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/own.h"
#include "check.h"
#include "fetch/inflate.h"
#include "fetch/inflate_codec.h"
#include "tar_fixture.h"

enum { SIZE = 300000 };

/* Each way to decompress, and who makes what it takes. */
static const struct way {
        const char *name;
        enum compression compression;
        bool portable;
        void (*compress)(struct buf *out, const void *data, size_t n);
} ways[] = {
        { "isa-l", COMPRESSION_GZIP, false, fixture_gzip },
        { "zlib", COMPRESSION_GZIP, true, fixture_gzip },
        { "zstd", COMPRESSION_ZSTD, false, fixture_zstd },
        { "xz", COMPRESSION_XZ, false, fixture_xz },
};

struct source {
        const char *data;
        size_t n, piece;
};

static ssize_t give(void *userdata, const void **ret, struct error *err)
{
        struct source *s = userdata;
        size_t k = s->n < s->piece ? s->n : s->piece;

        *ret = s->data;
        s->data += k;
        s->n -= k;
        return (ssize_t)k;
}

/* All of it, read by pieces of `piece`: 0 or the error. */
static int decompress(const struct way *w, const struct buf *in, size_t in_piece, size_t piece, struct buf *out,
                      struct error *err)
{
        struct source s = { in->data, in->len, in_piece };
        own_inflate struct inflate *i = inflate_new(w->compression, w->portable, give, &s, err);
        own_mem char *data = malloc(piece);
        ssize_t n = (ssize_t)piece;

        assert_non_null(i);
        while (n == (ssize_t)piece) {
                n = inflate_read(i, data, piece, err);
                if (n > 0)
                        buf_add(out, data, (size_t)n);
        }
        if (n >= 0)
                assert_int_equal(inflate_read(i, data, piece, err), 0);
        return n < 0 ? (int)n : 0;
}

static void expect(const struct way *w, const struct buf *in, const void *data, size_t n)
{
        static const size_t pieces[][2] = { { 1, 65536 }, { 7, 1 }, { 1000, 999 }, { SIZE, 4 * SIZE }, { 4096, 7777 } };

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                own_buf struct buf out = {};
                struct error err = {};

                if (decompress(w, in, pieces[i][0], pieces[i][1], &out, &err) < 0)
                        fail_msg("%s: %s", w->name, err.text);
                assert_int_equal(out.len, n);
                if (n)
                        assert_memory_equal(out.data, data, n);
        }
}

static void refuse(const struct way *w, const struct buf *in, const char *why)
{
        static const size_t pieces[] = { 1, 4096, SIZE };

        for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
                own_buf struct buf out = {};
                struct error err = {};
                int r = decompress(w, in, pieces[i], 65536, &out, &err);

                if (r != -EBADMSG || !strstr(err.text, why))
                        fail_msg("%s by %zu bytes: %d, \"%s\"", w->name, pieces[i], r, err.text);
        }
}

static void test_streams(void **state)
{
        own_mem char *noise = fixture_noise(SIZE, 1);

        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                static const size_t sizes[] = { 0, 1, 65535, SIZE };

                for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
                        own_buf struct buf in = {};

                        ways[i].compress(&in, noise, sizes[k]);
                        assert_int_equal(compression_of(in.data, in.len), ways[i].compression);
                        expect(&ways[i], &in, noise, sizes[k]);
                }
        }
}

static void test_many_members(void **state)
{
        own_mem char *noise = fixture_noise(SIZE, 2);

        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                own_buf struct buf in = {};

                ways[i].compress(&in, noise, 100000);
                ways[i].compress(&in, noise, 0);
                ways[i].compress(&in, noise + 100000, 1);
                ways[i].compress(&in, noise + 100001, SIZE - 100001);
                expect(&ways[i], &in, noise, SIZE);
        }
}

static void test_cut_off(void **state)
{
        own_mem char *noise = fixture_noise(SIZE, 3);

        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                own_buf struct buf in = {};
                size_t whole;

                ways[i].compress(&in, noise, 1000);
                whole = in.len;
                for (in.len = 1; in.len < whole; in.len++)
                        refuse(&ways[i], &in, "cut off");
                /* and in the second member */
                in.len = whole;
                ways[i].compress(&in, noise, 1000);
                for (in.len--; in.len > whole; in.len -= 97 < in.len - whole ? 97 : in.len - whole)
                        refuse(&ways[i], &in, "cut off");
        }
}

static void test_damaged(void **state)
{
        own_mem char *noise = fixture_noise(SIZE, 4);

        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                own_buf struct buf in = {};

                ways[i].compress(&in, noise, SIZE);
                in.data[in.len / 2] ^= 0x55;
                refuse(&ways[i], &in, "");
        }
}

static void test_wrong_checksum(void **state)
{
        own_mem char *noise = fixture_noise(SIZE, 5);

        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                own_buf struct buf in = {};

                ways[i].compress(&in, noise, SIZE);
                /* gzip: 8 bytes from the end; zstd: the last 4; xz: before the index and the footer */
                in.data[in.len - (ways[i].compression == COMPRESSION_GZIP   ? 8
                                  : ways[i].compression == COMPRESSION_ZSTD ? 4
                                                                            : 30)] ^= 1;
                refuse(&ways[i], &in, "");
                if (ways[i].compression != COMPRESSION_GZIP)
                        continue;
                in.data[in.len - 8] ^= 1;
                in.data[in.len - 1] ^= 1; /* the size */
                refuse(&ways[i], &in, "");
        }
}

static void test_behind_the_end(void **state)
{
        static const char *const garbage[] = { "x", "garbage behind the end", "\x1f", "\x1f\x8b\x08garbage" };
        own_mem char *noise = fixture_noise(SIZE, 6);

        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                for (size_t k = 0; k < ARRAY_SIZE(garbage); k++) {
                        own_buf struct buf in = {};

                        ways[i].compress(&in, noise, 1000);
                        buf_add_str(&in, garbage[k]);
                        refuse(&ways[i], &in, "");
                }
        }
        /* Zeros too: Go takes them for a member that is none. */
        for (size_t i = 0; i < 2; i++) {
                own_buf struct buf in = {};

                ways[i].compress(&in, noise, 1000);
                buf_add(&in, (char[512]){}, 512);
                refuse(&ways[i], &in, "");
        }
}

static void test_gzip_header(void **state)
{
        static const char extra[] = "\x1f\x8b\x08\x1e\0\0\0\0\0\xff\4\0abcdname\0comment\0";
        own_buf struct buf plain = {};

        fixture_gzip(&plain, "hello", 5);
        for (size_t i = 0; i < 2; i++) {
                own_buf struct buf in = {};
                uLong crc;

                buf_add(&in, extra, sizeof extra - 1);
                crc = crc32(0, (const Bytef *)in.data, (uInt)in.len);
                buf_add(&in, (char[2]){ (char)(crc & 0xff), (char)(crc >> 8 & 0xff) }, 2);
                buf_add(&in, plain.data + 10, plain.len - 10);
                expect(&ways[i], &in, "hello", 5);
                in.data[sizeof extra - 1] ^= 1;
                refuse(&ways[i], &in, "");
        }
}

static void test_windows(void **state)
{
        static const char large[] = "\x28\xb5\x2f\xfd\x04\x90\0\0\0"; /* a window of 256 MiB */
        own_buf struct buf in = {};
        own_buf struct buf out = {};
        struct error err = {};

        buf_add(&in, large, sizeof large - 1);
        assert_int_equal(decompress(&ways[2], &in, 100, 100, &out, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "memory"));
}

static void test_plain(void **state)
{
        static const struct way none = { "none", COMPRESSION_NONE, false, NULL };
        own_mem char *noise = fixture_noise(SIZE, 7);
        struct buf in = { .data = noise, .len = SIZE };
        struct buf empty = {};

        expect(&none, &in, noise, SIZE);
        expect(&none, &empty, NULL, 0);
}

static ssize_t fails(void *userdata, const void **ret, struct error *err)
{
        return error_set(err, EIO, "no more");
}

static void test_source_fails(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                struct error err = {};
                own_inflate struct inflate *in = inflate_new(ways[i].compression, ways[i].portable, fails, NULL, &err);
                char byte;

                assert_non_null(in);
                assert_int_equal(inflate_read(in, &byte, 1, &err), -EIO);
                assert_string_equal(err.text, "no more");
        }
}

static void test_compression_of(void **state)
{
        assert_int_equal(compression_of("", 0), COMPRESSION_NONE);
        assert_int_equal(compression_of("\x1f\x8b", 2), COMPRESSION_NONE);
        assert_int_equal(compression_of("\x53\x2a\x4d\x18", 4), COMPRESSION_ZSTD);
        assert_int_equal(compression_of("BZh91AY", 7), COMPRESSION_NONE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_streams),        cmocka_unit_test(test_many_members),
                cmocka_unit_test(test_cut_off),        cmocka_unit_test(test_damaged),
                cmocka_unit_test(test_wrong_checksum), cmocka_unit_test(test_behind_the_end),
                cmocka_unit_test(test_gzip_header),    cmocka_unit_test(test_windows),
                cmocka_unit_test(test_plain),          cmocka_unit_test(test_source_fails),
                cmocka_unit_test(test_compression_of),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
