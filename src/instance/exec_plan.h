/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked of an exec, as src/container wants to hear it: the user by the container's own files. */
#pragma once

#include "base/arena.h"
#include "container/container.h"
#include "instance/backend.h"

struct exec_plan {
        struct exec_options options; /* without `common` */
        struct arena arena;          /* owns what options point to beside the request */
};

#define own_exec_plan __attribute__((cleanup(exec_plan_finish)))
void exec_plan_finish(struct exec_plan *p);

/* Of args, env, user, workdir and privileged of the request, which has to live as long. */
int exec_plan_make(const struct container *c, const struct exec_request *request, struct exec_plan *ret,
                   struct error *err);

/* It gets a terminal of that size (0: unknown), and a TERM if the container has none. */
int exec_plan_add_terminal(struct exec_plan *p, const struct container *c, unsigned rows, unsigned columns,
                           struct error *err);
