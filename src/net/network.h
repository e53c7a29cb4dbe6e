/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks: bridges with a name.
 *
 *   ROOT/networks/NAME       JSON: what it is; complete when it has its name
 *   RUN/networks/            what there is of them since the boot; locked (flock) while one is set up
 *   RUN/networks/firewall    the ruleset's generation at which ours was seen whole (firewall.h)
 *   RUN/networks/dns         locked by holt-dns as long as it lives; dns.socket is its socket (dns_start.h)
 *   RUN/networks/NAME/       its leases (lease.h)
 *   RUN/endpoints/ID         JSON: the instance's addresses, names and ports (endpoint.h)
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "net/address.h"

/* What every instance is on that names no other; made when it is first used. */
#define NETWORK_DEFAULT "bridge"
#define NETWORK_DEFAULT_INTERFACE "holt0"
/* Every interface of ours begins so: that is how rules know them. */
#define NETWORK_INTERFACE_PREFIX "holt"

enum { NETWORK_ID_LEN = 64 };

/* Where networks are kept; both absolute. */
struct network_place {
        const char *root, *run;
};

struct network_pair {
        const char *key, *value;
};

/* Of one family. */
struct network_range {
        struct subnet subnet;
        struct ip gateway;
        struct subnet range; /* addresses are given from it; family 0: from all of the subnet */
        bool is_picked;      /* nobody asked for this subnet, and it may become another */
};

struct network {
        char id[NETWORK_ID_LEN + 1];
        const char *name;
        char interface[IFNAMSIZ];
        int64_t created;         /* nanoseconds since 1970 */
        struct network_range v4; /* always there */
        struct network_range v6; /* subnet.ip.family 0: none */
        bool internal;
        bool ipv6;                             /* was asked for, also when no subnet was given */
        struct network_pair *options, *labels; /* end with a NULL key */

        /* What the options say. */
        unsigned mtu; /* 0: the usual */
        bool no_masquerade;
        bool isolated;        /* its instances do not reach each other */
        struct ip publish_on; /* family 0: all */

        struct arena arena;
};

#define own_network __attribute__((cleanup(network_finish)))
void network_finish(struct network *n);

/*
 * By name, id, or the first digits of an id. The default one is made if it is not there. -ENOENT: "no such network: X".
 */
int network_find(const struct network_place *p, const char *name, struct network *ret, struct error *err);

/* By its name alone, and nothing is made. -ENOENT. */
int network_load(const struct network_place *p, const char *name, struct network *ret, struct error *err);

/* In the order of their names. Stops when each() returns non-zero, and returns that. */
int network_each(const struct network_place *p, int (*each)(void *userdata, struct network *n), void *userdata,
                 struct error *err);

/*
 * Makes one of what is set: name, subnets, gateways, ranges, internal, ipv6, options, labels. The rest is filled in: a
 * subnet that nobody uses, the gateway, the interface's name. -EEXIST.
 */
int network_create(const struct network_place *p, struct network *n, struct error *err);

/* Another IPv4 subnet for one whose own was picked. */
int network_pick_anew(const struct network_place *p, struct network *n, struct error *err);

/* Its file; what it has set up goes with network_down(). */
int network_remove(const struct network_place *p, const struct network *n, struct error *err);

/* An option or a label is added; strings are copied. -ENOMEM. */
int network_add_pair(struct network *n, struct network_pair **list, const char *key, const char *value);

/* Fills in what the options say. -EINVAL: one that cannot be had. */
int network_apply_options(struct network *n, struct error *err);

/* --- network_file.c --- */
void network_write(const struct network *n, struct json_writer *w);
int network_read(const char *text, size_t len, struct network *ret, struct error *err);

/* --- network_pool.c --- */
/* A subnet that collides with no address, no route and no network, for the default network or for another one. */
int network_pick_subnet(const struct network_place *p, bool is_default, struct subnet *ret, struct error *err);
/* -EBUSY, with who has it. */
int network_check_subnet(const struct network_place *p, const struct subnet *s, struct error *err);
/* 1: another interface than `except` (0: none) has addresses of the network, *ret_with; 0. */
struct netlink;
int network_is_taken(const struct network *n, struct netlink *host, unsigned except, struct subnet *ret_with,
                     struct error *err);
int network_pick_subnet6(struct subnet *ret, struct error *err);
