/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of instance_network.h share. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "instance/instance.h"
#include "net/endpoint.h"
#include "net/network.h"

struct network_place network_place_of(const struct engine *e);

/* Whether this process may make networks. */
bool network_is_ours(void);

/* The network namespace of one that runs. -ESRCH. */
int network_open_netns(const struct instance *i, struct error *err);

/* Its addresses may be another's. */
void network_give_addresses(const struct network_place *p, const struct endpoint *e);
