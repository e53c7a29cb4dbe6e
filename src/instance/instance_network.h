/* SPDX-License-Identifier: Apache-2.0 */
/* The network of an instance: from --network, --publish and their kin to a network namespace that has it all. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "instance/instance.h"

struct instance_network {
        bool is_host; /* the host's own */
        int netns; /* the namespace; -1: is_host, or a new one with nothing in it (none) is made with the container */
        int tap;   /* of a machine, which has no namespace: its interface on the first network; -1: none */
        int ports; /* keeps its published ports from others on the host, as long as it is open; -1: it has none */
        struct buf hosts;  /* lines for /etc/hosts of its own addresses and names; empty: none */
        struct buf resolv; /* resolv.conf, whole */
        struct buf guest;  /* "interfaces" of what a machine is told (agent/guest_config.h); empty: none */
};

#define INSTANCE_NETWORK_NONE                       \
        {                                           \
                .netns = -1, .tap = -1, .ports = -1 \
        }
#define own_instance_network __attribute__((cleanup(instance_network_finish)))
void instance_network_finish(struct instance_network *n);

/*
 * Before each start. hostname: of the instance. Without --network it is "bridge", the network holt0, for root; for
 * others pasta, or none where that is missing. Nothing is left behind on failure.
 */
int instance_network_open(struct engine *e, struct instance *i, const char *hostname, struct instance_network *ret,
                          struct error *err);

/*
 * A running one is plugged into one network more, or out of one; one that does not run will be. Its options say so
 * afterwards, too, and are saved. flag: a value of --network. -EEXIST: it is on it; -ENOENT: it is not.
 */
int instance_network_connect(struct engine *e, struct instance *i, const char *flag, struct error *err);
int instance_network_disconnect(struct engine *e, struct instance *i, const char *network, struct error *err);

/* A running one has got another name: the others get to know it. */
int instance_network_rename(struct engine *e, const struct instance *i, struct error *err);

/* Gives addresses, names and published ports back. Also for one that has none, and twice; also by a sweep that knows
 * but the id. */
int instance_network_close(struct engine *e, const char *id, struct error *err);

/* NetworkSettings as `docker inspect` has them, of one that runs or not. */
void instance_network_describe(struct engine *e, const struct instance *i, struct json_writer *w, const char *key);

/* "0.0.0.0:8080->80/tcp, 443/tcp", for ps. */
void instance_network_ports(struct engine *e, const struct instance *i, struct buf *out);
