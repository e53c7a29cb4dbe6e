/* SPDX-License-Identifier: Apache-2.0 */
/* --cap-add, --cap-drop, --privileged. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "instance/options.h"

/* Bit i is capability i of capability.h. */
int capability_flags_read(const struct instance_options *o, uint64_t *ret, struct error *err);

/* process.capabilities, of a process that begins as this user: others than root have none, but may get them by set-id
 * programs and files' capabilities. */
void capability_flags_write(uint64_t capabilities, uint32_t uid, struct json_writer *w);
