/* SPDX-License-Identifier: Apache-2.0 */
/* Private to container/: what the commands on an existing container share. */
#pragma once

#include "container/container.h"

/* A pidfd of init, checked by its start time; -ESRCH when it is gone. */
int lifecycle_open_init(const struct container *c);

/* container_status() without a look at the freezer: what is paused counts as created or running. */
int lifecycle_status(const struct container *c, enum container_status *ret, struct error *err);

/* SIGKILL to init, if it lives. */
void lifecycle_kill_init(const struct container *c);

/*
 * Runs the hooks "poststart" or "poststop" that the state holds. With go_on all of them run, and what fails becomes
 * c->warning and no error.
 */
int lifecycle_run_hooks(struct container *c, const char *kind, enum container_status status, bool go_on,
                        struct error *err);
