/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that strangers give: only http and https, nothing but what curl's parser takes. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Where `relative` (or an address of its own) leads from `base`; *ret is malloc'ed. User names in it are refused. */
int url_join(const char *base, const char *relative, char **ret, struct error *err);

/* The same scheme, host and port. */
bool url_same_origin(const char *a, const char *b);

bool url_is_https(const char *url);

/* The host is this machine. */
bool url_is_loopback(const char *url);
