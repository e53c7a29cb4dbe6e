/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

/* Below this the plain way is done before the processor has said what it can (cpuid traps in a virtual machine). */
enum { WORTH_ASKING = 16 << 10 };

static const uint32_t k[64] __attribute__((aligned(16))) = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned n)
{
        return x >> n | x << (32 - n);
}

static uint32_t load_word(const unsigned char *p)
{
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void expand(const unsigned char *p, uint32_t w[64])
{
        for (int i = 0; i < 16; i++)
                w[i] = load_word(p + (size_t)i * 4);
        for (int i = 16; i < 64; i++) {
                uint32_t a = w[i - 15], b = w[i - 2];

                w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
                       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
        }
}

/* In round i the variable that the standard calls a, b ... is the one numbered 0, 1 ... less i: none is moved, and all
 * stay in registers when eight rounds stand one behind the other. */
static void add_plain(uint32_t state[8], const unsigned char *p, size_t blocks)
{
        for (; blocks--; p += SHA256_BLOCK) {
                uint32_t s[8], w[64];

                memcpy(s, state, sizeof s);
                expand(p, w);
                for (unsigned i = 0; i < 64; i += 8) {
#pragma GCC unroll 8
                        for (unsigned j = 0; j < 8; j++) {
                                uint32_t a = s[-j & 7], b = s[(1 - j) & 7], c = s[(2 - j) & 7], e = s[(4 - j) & 7],
                                         f = s[(5 - j) & 7], g = s[(6 - j) & 7];
                                uint32_t t = s[(7 - j) & 7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                                             ((e & f) ^ (~e & g)) + k[i + j] + w[i + j];

                                s[(3 - j) & 7] += t;
                                s[(7 - j) & 7] = t + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                                                 ((a & b) ^ (a & c) ^ (b & c));
                        }
                }
                for (int i = 0; i < 8; i++)
                        state[i] += s[i];
        }
}

#ifdef __x86_64__
static bool has_instructions(void)
{
        unsigned a, b, c, d;

        return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}

/*
 * The instructions keep the state as ABEF and CDGH, and do two rounds each (Intel, "New Instructions Supporting the
 * Secure Hash Algorithm", 2013). m: the last 16 words of the message.
 */
__attribute__((target("sha,sse4.1"))) static void add_fast(uint32_t state[8], const unsigned char *p, size_t blocks)
{
        const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
        __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xb1);
        __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1b);
        __m128i abef = _mm_alignr_epi8(abcd, efgh, 8), cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);

        for (; blocks--; p += SHA256_BLOCK) {
                const __m128i abef_before = abef, cdgh_before = cdgh;
                __m128i m[4];

                for (int i = 0; i < 4; i++)
                        m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p + i), swap);
                for (int i = 0; i < 16; i++) {
                        __m128i x = _mm_add_epi32(m[i & 3], _mm_load_si128((const __m128i *)k + i));

                        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, x);
                        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(x, 0x0e));
                        x = _mm_add_epi32(_mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]),
                                          _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
                        m[i & 3] = _mm_sha256msg2_epu32(x, m[(i + 3) & 3]);
                }
                abef = _mm_add_epi32(abef, abef_before);
                cdgh = _mm_add_epi32(cdgh, cdgh_before);
        }
        abcd = _mm_shuffle_epi32(abef, 0x1b);
        efgh = _mm_shuffle_epi32(cdgh, 0xb1);
        _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(abcd, efgh, 0xf0));
        _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(efgh, abcd, 8));
}
#else
static bool has_instructions(void)
{
        return false;
}

static void add_fast(uint32_t state[8], const unsigned char *p, size_t blocks)
{
        add_plain(state, p, blocks);
}
#endif

static void add_blocks(struct sha256 *h, const unsigned char *p, size_t blocks)
{
        if (h->fast < 0 && blocks * SHA256_BLOCK >= WORTH_ASKING)
                h->fast = has_instructions() ? 1 : 0;
        if (h->fast > 0)
                add_fast(h->state, p, blocks);
        else
                add_plain(h->state, p, blocks);
}

void sha256_init(struct sha256 *h)
{
        *h = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                                         0x1f83d9ab, 0x5be0cd19 },
                              .fast = -1 };
}

void sha256_add(struct sha256 *h, const void *data, size_t n)
{
        const unsigned char *p = data;
        size_t have = h->len % SHA256_BLOCK, room = SHA256_BLOCK - have;

        if (!n)
                return;
        h->len += n;
        if (have && n >= room) {
                memcpy(h->block + have, p, room);
                add_blocks(h, h->block, 1);
                p += room;
                n -= room;
                have = 0;
        }
        if (!have && n >= SHA256_BLOCK) {
                add_blocks(h, p, n / SHA256_BLOCK);
                p += n / SHA256_BLOCK * SHA256_BLOCK;
                n %= SHA256_BLOCK;
        }
        memcpy(h->block + have, p, n);
}

void sha256_end(struct sha256 *h, unsigned char ret[SHA256_SIZE])
{
        static const unsigned char padding[SHA256_BLOCK] = { 0x80 };
        uint64_t bits = h->len * 8;
        size_t have = h->len % SHA256_BLOCK;
        unsigned char length[8];

        for (int i = 0; i < 8; i++)
                length[i] = (unsigned char)(bits >> (56 - 8 * i));
        sha256_add(h, padding, (have < 56 ? 56 : 120) - have);
        sha256_add(h, length, sizeof length);
        for (int i = 0; i < SHA256_SIZE; i++)
                ret[i] = (unsigned char)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_hex(const unsigned char digest[SHA256_SIZE], char ret[SHA256_HEX])
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < SHA256_SIZE; i++) {
                ret[2 * i] = digits[digest[i] >> 4];
                ret[2 * i + 1] = digits[digest[i] & 15];
        }
        ret[SHA256_HEX - 1] = '\0';
}
