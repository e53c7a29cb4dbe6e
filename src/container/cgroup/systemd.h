/* SPDX-License-Identifier: Apache-2.0 */
/* The unit of a container: what is asked of systemd over D-Bus. */
#pragma once

#include "container/cgroup.h"

/* Gives the unit the properties that say the same as the resources, so that systemd does not undo them. */
int systemd_set_properties(struct cgroup *cg, const struct spec_resources *res, bool update, struct error *err);

/* Stops the unit and forgets it if it has failed; a unit that is gone is no error. */
int systemd_stop(struct cgroup *cg, struct error *err);
