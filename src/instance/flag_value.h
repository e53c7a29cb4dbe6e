/* SPDX-License-Identifier: Apache-2.0 */
/* A flag's value as it was typed becomes what it means. Errors are -EINVAL and name the flag and its value. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* --FLAG "VALUE": WHY */
int flag_refuse(const char *flag, const char *value, const char *why, struct error *err);

int flag_i64(const char *flag, const char *value, int64_t min, int64_t max, int64_t *ret, struct error *err);

/* Bytes, as parse_size() reads them; -1 stays -1. */
int flag_size(const char *flag, const char *value, int64_t *ret, struct error *err);

/* "true", "1" ... as Go has them; NULL is true. */
int flag_bool(const char *flag, const char *value, bool *ret, struct error *err);

/* NAME of "NAME=VALUE", and where its value is; the name must not be empty. */
int flag_pair(const char *flag, const char *text, char *name, size_t size, const char **ret_value, struct error *err);
