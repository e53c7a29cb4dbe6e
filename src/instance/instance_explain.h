/* SPDX-License-Identifier: Apache-2.0 */
/* What a start would do: nothing is made for it, no instance, no directory, no volume, no network, no shim. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "instance/instance.h"
#include "instance/instance_mounts.h"

/*
 * Appends a JSON object: Name, AutoRemove, RestartPolicy, LogDriver, StopSignal; Network (Mode; Networks with Name,
 * Subnet, New, ...; Ports); Volumes (Type, Name, Source, Destination, Mode, New); Spec, the runtime-spec. Members of
 * which nothing was said are left out. What the real thing would refuse is refused, as far as that is known before it
 * is done. image NULL: it is not here, and there is no Spec. options are taken over and settled.
 *
 * This process may be in a mount namespace of its own afterwards.
 */
int instance_explain(struct engine *e, const struct image_info *image, const char *image_name,
                     struct instance_options *options, struct json_writer *w, struct error *err);

/* --- private to instance/ --- */

/* A new one with all that it would be, of which nothing is on the disk yet. image NULL: without what that says. */
int instance_plan(struct engine *e, const struct image_info *image, const char *image_name,
                  struct instance_options *options, struct instance **ret, struct error *err);

/* The runtime-spec of a planned one. root: of its image, taken over; -1: whoever it runs as is not looked for. */
int instance_plan_config(struct engine *e, struct instance *i, const struct instance_mounts *planned, int root,
                         struct buf *out, struct error *err);

/* "Network" of it. */
int instance_plan_network(struct engine *e, const struct instance *i, struct json_writer *w, struct error *err);
