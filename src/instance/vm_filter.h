/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of a configuration, compiled on the host for the guest. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "instance/engine.h"

/* "filters" of agent/guest_config.h, or nothing where the configuration has no profile. It is kept in RUN/filters. */
int vm_filter_write(const struct engine *e, const struct buf *spec, struct json_writer *w, struct error *err);
