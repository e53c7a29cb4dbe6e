/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces, their addresses and routes, by rtnetlink(7). A netlink socket acts in its own network namespace. */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "base/error.h"
#include "net/address.h"
#include "sys/netlink.h"

/* -ENODEV: there is none of that name. */
int link_index(const struct netlink *n, const char *name, struct error *err);

/* Whether the interface has this hardware address. */
bool link_has_mac(const struct netlink *n, const char *name, const uint8_t mac[MAC_SIZE]);

/* A bridge that is up; mac: its own for good, where the kernel would take that of a port. -EEXIST. */
int link_make_bridge(struct netlink *n, const char *name, const uint8_t mac[MAC_SIZE], unsigned mtu, struct error *err);

struct veth {
        const char *name; /* here */
        unsigned master;  /* the bridge here that it becomes a port of */
        unsigned mtu;     /* 0: the usual */
        int netns;        /* where the other end is */
        const char *peer; /* its name there */
        const uint8_t *peer_mac;
};

/* The end here is up, the other is not. -EEXIST: the name here is taken; -ENODEV: no such bridge. */
int link_make_veth(struct netlink *n, const struct veth *v, struct error *err);

/* A switch of a bridge's port: IFLA_BRPORT_ISOLATED (it reaches no other one that is isolated, too), IFLA_BRPORT_MODE
 * (what came in there may go out there). */
int link_set_port(struct netlink *n, const char *name, uint16_t what, struct error *err);

/* One that is not there is no error. */
int link_remove(struct netlink *n, const char *name, struct error *err);

/*
 * Messages for a batch (netlink.h). The one with last set ends it.
 */
void link_add_up(struct netlink *n, struct buf *b, unsigned index, bool last);
void link_add_down(struct netlink *n, struct buf *b, unsigned index, bool last);
struct link_setup {
        const char *name;   /* NULL: as it is */
        const uint8_t *mac; /* NULL: likewise */
        unsigned mtu;       /* 0: likewise */
};

/* Of one that is not up yet. */
void link_add_setup(struct netlink *n, struct buf *b, unsigned index, const struct link_setup *s, bool last);
/* No other host is asked whether it has the address: they are ours to give. */
void link_add_address(struct netlink *n, struct buf *b, unsigned index, const struct ip *ip, unsigned bits, bool last);
/* to: NULL for the default route; gateway: NULL for what is on the link; metric 0: the usual. */
void link_add_route(struct netlink *n, struct buf *b, unsigned index, const struct subnet *to, const struct ip *gateway,
                    unsigned metric, bool last);

/* Takes all addresses of an interface away. */
int link_clear_addresses(struct netlink *n, unsigned index, struct error *err);

/* The same as the next for addresses alone, but those of the interface `except`; 0: of all. */
int link_each_address(struct netlink *n, unsigned except, int (*each)(void *userdata, const struct subnet *s),
                      void *userdata, struct error *err);

/* Calls each() for the network of every address and every route but default ones, of all tables. Stops when it returns
 * non-zero, and returns that. */
int link_each_subnet(struct netlink *n, int (*each)(void *userdata, const struct subnet *s), void *userdata,
                     struct error *err);
