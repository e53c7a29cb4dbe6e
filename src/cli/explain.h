/* SPDX-License-Identifier: Apache-2.0 */
/* run --explain: what would be done, for people. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/* Appends lines that tell what the configuration of the runtime-spec makes of a container. */
int explain_config(const struct buf *config, struct buf *out, struct error *err);
