/* SPDX-License-Identifier: Apache-2.0 */
/* Private to instance/shim_*.c: what frames of the shim say. */
#pragma once

#include "instance/instance.h"
#include "instance/protocol.h"

/* STATE, STARTED, EXITED. */
int shim_take_state(const struct frame *f, struct instance_state *ret, struct error *err);
