/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "oci/runtime_spec.h"

/*
 * Runs the hooks in order, each with `state` (JSON) on its stdin and killed when its timeout is over
 * (runtime-spec config.md, "POSIX-platform Hooks"). Stops at the first that fails: the error has its path and the
 * end of its stderr. `kind` is the member's name, for errors.
 */
int hooks_run(const struct spec_hook_list *hooks, const char *kind, const char *state, struct error *err);
