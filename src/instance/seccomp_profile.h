/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profiles as Docker and podman write them (moby: profiles/seccomp; containers-common: seccomp.json): rules
 * that hold for some capabilities, architectures and kernels, and the architectures of each.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

/* containers-common keeps Docker's profile there. */
#define SECCOMP_PROFILE_DEFAULT "/usr/share/containers/seccomp.json"

/*
 * Writes linux.seccomp of the runtime-spec, for a process of these capabilities on this machine. path: NULL for the
 * default profile. 1, or 0 when that is not installed: then nothing is written.
 */
int seccomp_profile_write(const char *path, uint64_t capabilities, struct json_writer *w, struct error *err);
