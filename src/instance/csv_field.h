/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a line of CSV (RFC 4180), as --mount has them: a,"b,c","d ""e""". */
#pragma once

#include "base/error.h"

/* Takes the next field out of *rest, which it changes, without its quotes; *ret is NULL behind the last. -EINVAL: a
 * quote has no end. */
int csv_next_field(char **rest, char **ret, struct error *err);
