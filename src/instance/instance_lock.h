/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN/instances/ID, locked by whoever makes, runs or removes the instance. The lock is the open directory's (flock):
 * it passes to a shim with the descriptor, and ends with the last process that has it.
 */
#pragma once

#include "base/error.h"
#include "instance/engine.h"

/* A descriptor of the directory, which is made if it is missing. -EBUSY: another process has it. */
int instance_lock(const struct engine *e, const char *id, struct error *err);

/* The same, but waits some seconds for the other one, who may be a sweep. */
int instance_lock_wait(const struct engine *e, const char *id, struct error *err);

/* The same for one that must be there; never waits. -ENOENT, -EBUSY; says nothing. */
int instance_lock_existing(int run_instances, const char *id);

/* Takes RUN/instances/ID away and closes *lock. */
void instance_unlock(const struct engine *e, const char *id, int *lock);

/* For the sweep: a directory that somebody was about to lock and give its name. */
void instance_lock_drop_unnamed(int run_instances, const char *name);
