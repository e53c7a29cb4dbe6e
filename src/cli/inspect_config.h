/* SPDX-License-Identifier: Apache-2.0 */
/* The member "Config" of what `docker inspect` says of a container. */
#pragma once

#include "base/json.h"
#include "instance/instance.h"

/* What the image says, and what was asked for on top of it; only the latter when the image cannot be read. */
void inspect_config(struct engine *e, const struct instance *i, struct json_writer *w);
