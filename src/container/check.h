/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "oci/runtime_spec.h"

/*
 * Refuses a configuration whose parts do not fit together, or that asks for what this host or this
 * runtime cannot give: before anything was made.
 */
int check_spec(const struct spec *s, struct error *err);
