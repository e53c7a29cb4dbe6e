/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4), for programs that do not link libcrypto, whose start alone takes 2 ms. With the processor's
 * own instructions where it has them (x86: SHA).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64, SHA256_HEX = 65 };

struct sha256 {
        uint32_t state[8];
        uint64_t len; /* in bytes */
        unsigned char block[SHA256_BLOCK];
        signed char fast; /* the processor has the instructions: 1, 0; -1: nobody has looked */
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *data, size_t n);
/* Ends the stream; *h is to be initialized before it is used again. */
void sha256_end(struct sha256 *h, unsigned char ret[SHA256_SIZE]);

/* The digest as lower-case hexadecimal digits. */
void sha256_hex(const unsigned char digest[SHA256_SIZE], char ret[SHA256_HEX]);
