/* SPDX-License-Identifier: Apache-2.0 */
/* holt-dns is started by the first instance that needs it, and again by the next one when it was killed. */
#pragma once

#include "base/error.h"
#include "net/link.h"
#include "net/network.h"

/* What holt-dns finds open: the sockets of struct dns_sockets, in that order. */
enum { DNS_FIRST_FD = 3, DNS_N_FDS = 6 };

/*
 * Sees to it that names are known on the network, whose bridge has that index. Called after the endpoint was written.
 */
int dns_ensure(const struct network_place *p, const struct network *n, struct netlink *host, unsigned index,
               struct error *err);

/* holt-dns has no more to do with the network, whose bridge goes: its end there goes, too. */
int dns_forget(const struct network *n, struct netlink *host, struct error *err);
