/* SPDX-License-Identifier: Apache-2.0 */
/* Private to instance/: exec for the backend table, done by the guest's agent. */
#pragma once

#include "instance/backend.h"

int exec_vm(struct engine *e, struct instance *i, const struct exec_request *x, int *ret_exit, struct error *err);
