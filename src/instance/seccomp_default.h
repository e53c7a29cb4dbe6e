/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp profile that a container has unless another is given: Docker's (moby/profiles: seccomp/default.json). */
#pragma once

#include <stdint.h>

#include "base/json.h"

/* The members of linux.seccomp, for a process of these capabilities on this machine. */
void seccomp_default_write(uint64_t capabilities, struct json_writer *w);
