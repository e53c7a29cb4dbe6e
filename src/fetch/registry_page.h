/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that come in pages (RFC 8288: a Link header leads to the next one). */
#pragma once

#include "base/error.h"
#include "fetch/registry.h"

struct json_object;

/* Calls each() for each page, a JSON object, until it returns non-zero (which is returned) or there are no more. */
int registry_pages(struct registry *r, struct http *http, const char *scope, const char *url,
                   int (*each)(void *userdata, struct json_object *page, struct error *err), void *userdata,
                   struct error *err);
