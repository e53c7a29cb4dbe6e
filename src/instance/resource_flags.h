/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and devices as Docker's flags give them, in the words of the runtime-spec. */
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "instance/options.h"

/* linux.devices and linux.resources. */
int resource_flags_write(const struct instance_options *o, struct json_writer *w, struct error *err);

/* process.rlimits: "nofile=1024[:2048]". */
int resource_flags_write_rlimits(const struct instance_options *o, struct json_writer *w, struct error *err);
