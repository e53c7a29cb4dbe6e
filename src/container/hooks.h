/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "oci/runtime_spec.h"

/*
 * Runs one hook with `state` (JSON) on its stdin, killed when its timeout is over (runtime-spec config.md,
 * "POSIX-platform Hooks"). Without an environment of its own it gets ours (environ). If it fails, the error has its
 * path and the end of what it printed. `kind` is the member's name, for errors. cwd: where it runs if that exists, and
 * if not, or with NULL, where we are.
 */
int hook_run(const struct spec_hook_list *hooks, size_t i, const char *kind, const char *cwd, const char *state,
             struct error *err);

/* All in order; stops at the first that fails. */
int hooks_run(const struct spec_hook_list *hooks, const char *kind, const char *cwd, const char *state,
              struct error *err);
