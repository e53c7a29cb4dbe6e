/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

static const char *digest_in(const char *data, size_t n, size_t piece)
{
        static char hex[SHA256_HEX];
        unsigned char digest[SHA256_SIZE];
        struct sha256 h;

        sha256_init(&h);
        for (size_t at = 0; at < n; at += piece)
                sha256_add(&h, data + at, n - at < piece ? n - at : piece);
        sha256_end(&h, digest);
        sha256_hex(digest, hex);
        return hex;
}

/* FIPS 180-4's examples, and those of NIST's "CAVP" of its lengths. */
static void test_known(void **state)
{
        const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

        (void)state;
        assert_string_equal(digest_in("", 0, 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_string_equal(digest_in("abc", 3, 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_string_equal(digest_in(two, strlen(two), 100),
                            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* A million times 'a', in one piece (by the instructions, where they are) and in others. */
static void test_pieces(void **state)
{
        static const size_t pieces[] = { 1000000, 65536, 16384, 16383, 1000, 65, 64, 63, 1 };
        char *data = malloc(1000000);

        (void)state;
        assert_non_null(data);
        memset(data, 'a', 1000000);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
                assert_string_equal(digest_in(data, 1000000, pieces[i]),
                                    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
        free(data);
}

/* Every length of the last block, in one piece and byte by byte. */
static void test_lengths(void **state)
{
        char data[200], whole[SHA256_HEX];

        (void)state;
        for (size_t i = 0; i < sizeof data; i++)
                data[i] = (char)(i * 7);
        for (size_t n = 0; n <= sizeof data; n++) {
                strcpy(whole, digest_in(data, n, sizeof data));
                assert_string_equal(digest_in(data, n, 1), whole);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known),
                cmocka_unit_test(test_pieces),
                cmocka_unit_test(test_lengths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
