/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command has changed of an instance that runs, for the shim that starts it again: RUN/instances/ID/update. It
 * is a file, and no frame to the shim, because it is there whoever is killed when.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "instance/restart_policy.h"

struct live_update {
        struct restart_policy restart;
        struct json_object *config; /* what is changed of the job's configuration: limits */
        struct json_object *json;   /* owns it */
};

void live_update_finish(struct live_update *u);
#define own_live_update __attribute__((cleanup(live_update_finish)))

/* run_dir: RUN/instances/ID; restart: as for restart_policy_parse(); limits: as for backend.update(). 0 or -errno. */
int live_update_write(int run_dir, const char *restart, bool is_machine, const struct buf *limits);

/* The file's text: 1, 0 when nothing was changed, -errno. */
int live_update_read(int run_dir, struct buf *ret);
/* -EINVAL, without a message: it comes from our own commands. */
int live_update_parse(const struct buf *text, struct live_update *ret);

/* Puts the limits into a job's configuration; a runtime-spec that has none stays without. -EINVAL, -ENOMEM. */
int live_update_config(const struct live_update *u, struct buf *config);
/* Appends the limits alone, as for backend.update(). */
int live_update_resources(const struct live_update *u, struct buf *ret);
