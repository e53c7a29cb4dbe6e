/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights of an ordinary user over his instances: he is root of a user namespace in which they run. All of them
 * share one as long as one of them runs, so that they can join each other; when none does, the next makes another.
 * Which one it is, its shims say: each is in it as long as it lives. For root, nothing here does anything.
 */
#pragma once

#include "base/error.h"
#include "instance/engine.h"

/*
 * From here on this process is root there, in a mount namespace of its own, and cannot go back. It can mount only what
 * it opens from now on. with: the id of an instance, whose namespace it shall be if that one runs; NULL: of any.
 */
int user_rights_take(struct engine *e, const char *with, struct error *err);

/*
 * Of two that start the first instance at once, each would make a namespace. To be called before the rights are taken
 * to start one: as long as *ret_lock is open, all others who would be the first wait. -1: there is no need.
 */
int user_rights_lock_first(const struct engine *e, int *ret_lock, struct error *err);

/* Enters the user namespace of an instance alone. -ESRCH: it does not run. */
int user_rights_join(const char *run, const char *id, struct error *err);
