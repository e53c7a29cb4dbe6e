/* SPDX-License-Identifier: Apache-2.0 */
/* An instance's network namespace is plugged into a network. */
#pragma once

#include "base/error.h"
#include "net/endpoint.h"
#include "net/link.h"
#include "net/network.h"

/* Where holt-dns answers on every network (dns_start.h). */
#define DNS_ADDRESS "169.254.53.53"

struct attach_wish {
        struct ip ip4, ip6;         /* family 0: any */
        const uint8_t *mac;         /* NULL: made of the address */
        const char *const *aliases; /* not NULL */
        unsigned device;            /* "eth" and this number */
};

/* Takes addresses and chooses names; strings are the arena's or the wish's. */
int attach_lease(const struct network_place *p, const struct network *n, const char *id, const struct attach_wish *w,
                 struct arena *a, struct endpoint_network *ret, struct error *err);

/*
 * Makes the pair of interfaces and sets up the end inside. host, inside: sockets on both sides of netns. index: of the
 * bridge. has_default: default routes lead through this network. Also switches lo on.
 */
int attach(struct netlink *host, struct netlink *inside, int netns, unsigned index, const struct network *n,
           const struct endpoint_network *e, bool has_default, struct error *err);

/* The same for a machine, which sets up the inside itself: the descriptor of its interface (tap.h). */
int attach_machine(struct netlink *host, unsigned index, const struct network *n, const struct endpoint_network *e,
                   struct error *err);

/*
 * The instance reaches its own published ports: with br_netfilter the bridge itself leads packets on, and would not
 * send one out where it came in.
 */
int attach_reflect(struct netlink *host, const struct endpoint_network *e, struct error *err);

/* Default routes lead through this network from now on. */
int attach_default_routes(struct netlink *inside, const struct network *n, const struct endpoint_network *e,
                          struct error *err);
