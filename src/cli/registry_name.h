/* SPDX-License-Identifier: Apache-2.0 */
/* A registry as people write it: "localhost:5000", "https://ghcr.io/", "index.docker.io". */
#pragma once

#include "base/error.h"

enum { REGISTRY_NAME_MAX = 256 };

/* text NULL: docker.io. -EINVAL when it cannot be a registry's name. */
int registry_name(const char *text, char ret[REGISTRY_NAME_MAX], struct error *err);
