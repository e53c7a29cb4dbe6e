/* SPDX-License-Identifier: Apache-2.0 */
/* --ulimit. */
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "instance/options.h"

/* process.rlimits: "nofile=1024[:2048]", of two with one name the later one. */
int rlimit_flags_write(const struct instance_options *o, struct json_writer *w, struct error *err);
