/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine has written, or all that it has, becomes a layer of the store. The archive is its guest's own: so
 * holt-fetch unpacks it, in its sandbox, as it does with what comes from a registry.
 */
#pragma once

#include "base/error.h"
#include "instance/instance.h"
#include "store/layer_capture.h"

/* freeze: its program stands still meanwhile, if it runs. */
int vm_capture(struct engine *e, struct instance *i, bool whole, bool freeze, struct layer_captured *ret,
               struct error *err);
