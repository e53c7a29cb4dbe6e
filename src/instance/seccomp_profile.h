/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profiles as Docker and podman write them (moby: profiles/seccomp; containers-common: seccomp.json): rules
 * that hold for some capabilities, architectures and kernels, and the architectures of each.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

/* The members of linux.seccomp of the runtime-spec, from the file, for a process of these capabilities on this machine.
 */
int seccomp_profile_write(const char *path, uint64_t capabilities, struct json_writer *w, struct error *err);
