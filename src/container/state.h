/* SPDX-License-Identifier: Apache-2.0 */
/* Private to container/: writing ROOT/ID:state. Reading is container_load(). */
#pragma once

#include "container/container.h"
#include "container/launch.h"

/* Takes the id in ROOT (-EEXIST: it is taken) and fills c's descriptors, id and times. */
int state_create(struct container *c, const char *root, const char *id, struct error *err);

/* Writes the state, before anything else is made. */
int state_save(const struct launch *l, struct error *err);

/* Writes it again, whole, when systemd has said where the cgroups are. */
int state_save_again(struct launch *l, struct error *err);

/* Writes which process init is, behind the rest. -ECANCELED: somebody has deleted the container meanwhile. */
int state_save_pid(const struct container *c, struct error *err);

/*
 * Whether the container that c's maker made is still there. If not, its names, those of its cgroups too, may be
 * another's by now.
 */
bool state_is_own(const struct container *c);

/* Removes its files from ROOT; the id is free again with the last. 1, or 0 when somebody else removed that one. */
int state_remove(struct container *c, struct error *err);

/* The state object for hooks and seccomp agents. */
int state_describe(const struct container *c, const struct str_map *annotations, enum container_status status,
                   pid_t pid, struct buf *ret, struct error *err);

/*
 * The files of a container in ROOT are named ID:KIND (no id has a colon). Files, not a directory: making one, and
 * above all giving its block back, costs more than everything else about them (on ext4 with the mount option discard
 * 0.7 to 5 ms).
 */
#define STATE_FILE "state"
#define STATE_START_SOCKET "start"
#define STATE_SECCOMP "seccomp"
enum { STATE_NAME_MAX = 256 };

void state_file_name(const char *id, const char *kind, char ret[STATE_NAME_MAX]);
