/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"

/* An object of "NAME=VALUE" or "NAME", NULL-terminated; NULL: an empty one. Of two with one name the last counts. */
void label_map_write(struct json_writer *w, const char *key, const char *const *labels);
