/* SPDX-License-Identifier: Apache-2.0 */
/* An instance as `docker inspect` shows a container. */
#pragma once

#include "base/json.h"
#include "instance/instance.h"

void instance_inspect(struct engine *e, const struct instance *i, struct json_writer *w);
