/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict number parsers: the whole string is one number in the given base, with no
 * sign, space, prefix or rest (a lenient one made CVE-2026-30892). The output is
 * untouched on failure. 0 or -EINVAL, or -ERANGE when the value does not fit.
 */
#pragma once

#include <stdint.h>

/* The value of a digit of any base up to 16, in either case; 99 for anything else. */
int parse_digit(char c);

int parse_u64(const char *s, unsigned base, uint64_t *ret);
int parse_u32(const char *s, unsigned base, uint32_t *ret);
/* Decimal, with an optional leading '-'. */
int parse_i64(const char *s, int64_t *ret);

/*
 * A size in bytes with an optional suffix b, k, m, g, t or p (1024-based, either
 * case, optionally followed by b or ib: "512m", "1.5GB", "2GiB"); "-1" gives -1.
 */
int parse_size(const char *s, int64_t *ret);
