/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instance has which address: RUN/networks/NAME/ADDRESS is a link that leads to the instance's id, so that one
 * system call takes an address or finds it taken. An address whose instance has no RUN/instances/ID any more is free.
 */
#pragma once

#include "base/error.h"
#include "net/network.h"

/* -EINVAL: no instance could ever have that address. */
int lease_check(const struct network *n, const struct network_range *range, const struct ip *wanted, struct error *err);

/*
 * Takes an address of the range: `wanted` when its family is set (-EADDRINUSE, with who has it), else the one behind
 * that which was taken last. -EADDRNOTAVAIL: all are taken.
 */
int lease_take(const struct network_place *p, const struct network *n, const struct network_range *range,
               const char *id, const struct ip *wanted, struct ip *ret, struct error *err);

/* An address that the instance does not have is left alone. */
void lease_give(const struct network_place *p, const char *network, const struct ip *ip, const char *id);

/* All leases of the network are forgotten with its directory. */
void lease_forget_network(const struct network_place *p, const char *network);
