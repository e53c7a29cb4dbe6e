/* SPDX-License-Identifier: Apache-2.0 */
/* An image as `docker image inspect` shows it. */
#pragma once

#include "base/json.h"
#include "store/store.h"

/* -ENOENT: "no such image: X". */
int image_inspect(struct store *s, const char *name, struct json_writer *w, struct error *err);
