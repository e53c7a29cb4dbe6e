/* SPDX-License-Identifier: Apache-2.0 */
/* Private to instance/: exec for the backend table, done by the calling process itself. */
#pragma once

#include "container/container.h"
#include "instance/backend.h"

int exec_container(struct engine *e, struct instance *i, const struct exec_request *x, int *ret_exit,
                   struct error *err);

/* backend_container.c: of RUN/containers. -ENOENT: it does not run. */
int container_of_instance(const char *run, const char *id, struct container *ret, struct error *err);
