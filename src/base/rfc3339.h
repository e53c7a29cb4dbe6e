/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * "2024-05-06T07:08:09.123456789Z", or with an offset ("+02:00"), in seconds since 1970; the fraction is left out. 0 or
 * -EINVAL. (RFC 3339, section 5.6; years 1 to 9999.)
 */
int rfc3339_parse(const char *text, int64_t *ret);

/* The same with the fraction: nanoseconds since 1970, within 1678 and 2261. */
int rfc3339_parse_ns(const char *text, int64_t *ret);

enum { RFC3339_MAX = 40 };

/* "2024-05-06T07:08:09.123456789Z", as Go writes it: without the zeroes that end the fraction. From 1970 on. */
void rfc3339_write(int64_t ns, char ret[RFC3339_MAX]);
