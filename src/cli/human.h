/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and times as Docker shows them to people (docker/go-units: size.go, duration.go). */
#pragma once

#include <stdint.h>

enum { HUMAN_SIZE_MAX = 24, HUMAN_TIME_MAX = 64 };

/* Decimal units, at most `digits` significant digits: "0B", "77.8MB", "1.21GB". */
void human_size(uint64_t bytes, int digits, char ret[HUMAN_SIZE_MAX]);

/* Binary units, four significant digits: "1.5MiB". */
void human_binary_size(uint64_t bytes, char ret[HUMAN_SIZE_MAX]);

/* "5 seconds", "About an hour", "3 weeks"; times to come are "Less than a second". */
void human_duration(int64_t seconds, char ret[HUMAN_TIME_MAX]);
