/* SPDX-License-Identifier: Apache-2.0 */
/* A network's bridge, with all that makes it one: addresses, forwarding, rules, names. */
#pragma once

#include "base/error.h"
#include "net/link.h"
#include "net/network.h"

/*
 * Sees to it that the network is there, and returns its interface's index. For one that is, that is two system calls
 * and a message to the kernel. Where another interface has addresses of it by now, one whose subnet was picked gets
 * another, and n says which; -EBUSY for one whose subnet was asked for.
 */
int network_up(const struct network_place *p, struct network *n, struct netlink *host, struct error *err);

/* Bridge, rules and leases are gone. */
int network_down(const struct network_place *p, const struct network *n, struct error *err);

/*
 * The host's 127.0.0.1 reaches published ports: asked for by the first one. Until then the kernel itself sees to it
 * that no address of that kind comes in there.
 */
int network_route_loopback(const struct network *n, struct error *err);
