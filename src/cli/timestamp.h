/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as text. */
#pragma once

#include <stdint.h>

#include "base/error.h"

enum { TIMESTAMP_MAX = 40 };

/*
 * What Docker's filters understand: seconds since 1970, a duration before now ("24h"), RFC 3339, or a date with or
 * without a time and a zone (UTC when none is said).
 */
int timestamp_parse_any(const char *text, int64_t now, int64_t *ret, struct error *err);

/* The same in nanoseconds; also "SECONDS.FRACTION". */
int timestamp_parse_nano(const char *text, int64_t now, int64_t *ret, struct error *err);

/* "2024-05-01T12:00:00Z" */
void timestamp_rfc3339(int64_t t, char ret[TIMESTAMP_MAX]);
/* "2024-05-01 12:00:00 +0000 UTC" */
void timestamp_docker(int64_t t, char ret[TIMESTAMP_MAX]);
/* Nanoseconds, in the local zone: "2024-05-01T14:00:00.123456789+02:00" */
void timestamp_nano(int64_t ns, char ret[TIMESTAMP_MAX]);
