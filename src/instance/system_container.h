/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System containers (--systemd): the program is an init system that expects a machine of its own: tmpfs at /run and
 * elsewhere, cgroups that it may divide, the variables by which systemd knows where it runs (systemd.io,
 * CONTAINER_INTERFACE). It ends by SIGRTMIN+3, unless another stop signal was asked for.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"
#include "instance/options.h"
#include "instance/volume.h"

#define SYSTEM_CONTAINER_STOP_SIGNAL "SIGRTMIN+3"

/* By --systemd: always, never ("false"), or (the default) when `program`, what is run first, is called as init systems
 * are (podman's rule). */
int system_container_is(const struct instance_options *o, const char *program, bool *ret, struct error *err);

/* Elements of process.env; id: the instance's. */
void system_container_write_env(const char *id, struct json_writer *w);

/* What is mounted unless something else is at its place. cgroup: its path, "/holt/ID"; NULL: it is not known. in_guest: of a
 * machine, which has cgroup2 alone whatever this host has. */
int system_container_add_mounts(struct volumes *v, const char *cgroup, bool in_guest, struct error *err);
