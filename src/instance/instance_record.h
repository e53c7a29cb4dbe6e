/* SPDX-License-Identifier: Apache-2.0 */
/* Private to instance/: an instance's directory and configuration. */
#pragma once

#include "instance/instance.h"

/* In RUN/instances/ID of one that was paused by a command, and is asked whether it still is. */
#define INSTANCE_PAUSED_MARK "paused"

/* Nanoseconds since 1970. */
int64_t instance_now(void);

/* One that has nothing yet but its id, and its path. -ENOMEM. */
int instance_new(const struct engine *e, const char *id, struct instance **ret, struct error *err);

/* Writes ROOT/instances/ID/config, whole or not at all. */
int instance_save(struct instance *i, struct error *err);

/*
 * Two who change the configuration do it one after the other: locks it, until flock(i->fd, LOCK_UN), and reads it anew,
 * so that the second works on what the first made. -ENOENT: it was removed; on an error nothing is locked.
 */
int instance_lock_config(struct engine *e, struct instance *i, struct error *err);

/* dir: of ROOT/instances. Opens and reads it; the state is not looked at. -ENOENT: there is none, or it is not complete
 * (which is nobody's business but the sweep's). */
int instance_load(const struct engine *e, int dir, const char *id, struct instance **ret, struct error *err);

/* The same, but one whose configuration cannot be read comes as one that has nothing but its damage. */
int instance_load_any(const struct engine *e, int dir, const char *id, struct instance **ret, struct error *err);

/*
 * The rights over all that it has written, which an ordinary user has only as root of a namespace of his own
 * (user_rights.h; with: as there). Its directory is opened anew: of what was opened before, nothing can be mounted.
 */
int instance_take_rights(struct engine *e, struct instance *i, const char *with, struct error *err);

/* What is in an instance's directory says that it is called otherwise; one that is being made says nothing yet. */
bool instance_has_other_name(int fd, const char *name);

/* What ROOT/instances/ID says of how it ended last; 0 when it says nothing. */
int instance_load_end(const struct instance *i, struct instance_state *ret, struct error *err);

/* How one ended whose shim did not tell. */
int instance_save_end(struct instance *i, const struct instance_state *s, struct error *err);

/*
 * With its lock (of which this takes care: it is i->lock), of one whose maker, runner or remover was killed: nothing of
 * it runs any more. 1: it has a state; 0: it is gone.
 */
int instance_recover(struct engine *e, const char *id, int lock, struct error *err);

/* Locks one that does not run (i->lock). What a killed shim left of it is taken away first. -ENOENT: all of it was. */
int instance_lock_stopped(struct engine *e, struct instance *i, struct error *err);

/* With its lock: takes back all of it. */
int instance_erase(struct engine *e, struct instance *i, bool volumes, struct error *err);
