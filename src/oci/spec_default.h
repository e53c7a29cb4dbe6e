/* SPDX-License-Identifier: Apache-2.0 */
/* The config.json that `holt-oci spec` writes: a shell with few rights, to be edited. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends it as indented JSON with a final newline. rootless: a user namespace that
 * maps the caller's effective user and group to root, and nothing that such a
 * container may not do.
 */
int spec_default(bool rootless, struct buf *out, struct error *err);
