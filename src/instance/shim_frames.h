/* SPDX-License-Identifier: Apache-2.0 */
/* Private to instance/: what frames of a shim, or of holt-vm, say. */
#pragma once

#include "instance/instance.h"
#include "instance/protocol.h"

/* ERROR: *err; returns -err->code. */
int shim_take_error(const struct frame *f, struct error *err);
/* STATE, STARTED, EXITED. */
int shim_take_state(const struct frame *f, struct instance_state *ret, struct error *err);
