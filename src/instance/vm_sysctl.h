/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --sysctl of a machine. Its kernel is its own, so that all of it may be set: what a container has of its own stands in
 * the runtime-spec there, too, and the rest, with the network's, the agent sets before anything runs.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "instance/options.h"

/* Whether the agent sets it. */
bool vm_sysctl_is_guests(const char *key);

/* The member "sysctls" of what the guest is told: files below /proc/sys. */
int vm_sysctl_write(const struct instance_options *o, struct json_writer *w, struct error *err);
