/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fetch/registry.h"

/* registry_open() for a registry as a whole, as registries.conf has it. */
int registry_open_service(struct host *h, const char *name, struct http *http, struct registry **ret,
                          struct error *err);
