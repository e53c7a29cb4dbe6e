/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands on networks share. */
#pragma once

#include "cli/instance_select.h"
#include "net/network.h"

/* The engine's places as networks want them. */
struct network_place network_place_of_engine(const struct engine *e);

/* "host" and "none", which are none of ours but are listed. */
struct pseudo_network {
        const char *name, *id, *driver;
};
extern const struct pseudo_network pseudo_networks[2];

/* Tells `events`. instance: NULL, or who was connected. */
void network_tell(const struct engine *e, const struct network *n, const char *action, const struct instance *i);

/* -EBUSY: a running instance is on it. */
int network_check_unused(struct engine *e, const struct network *n, struct error *err);

/* Takes down and removes it; one that a running instance is on is -EBUSY, with who it is. */
int network_take_away(struct engine *e, const struct network *n, struct error *err);
