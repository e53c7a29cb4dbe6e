/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of instance_network.h share. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "instance/instance.h"
#include "net/endpoint.h"
#include "net/network.h"
#include "net/port.h"

struct instance_network;

struct network_place network_place_of(const struct engine *e);

/* Whether this process may make networks. */
bool network_is_ours(void);

/* The network namespace of one that runs. -ESRCH. */
int network_open_netns(const struct engine *e, const struct instance *i, struct error *err);

/* What --publish and its kin ask for. */
int network_read_ports(const struct instance_options *o, struct port_wishes *ret, struct error *err);

/* By pasta, which passes the ports on. -ENOENT: it is not installed. */
int network_open_pasta(struct engine *e, struct instance *i, const char *hostname, struct instance_network *ret,
                       struct error *err);

/* The files of whoever is in that network. */
int network_write_pasta_files(const struct instance_options *o, const char *hostname, struct instance_network *ret,
                              struct error *err);

/* Also for one that has none. */
void network_close_pasta(struct engine *e, const char *id);
