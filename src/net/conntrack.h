/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel remembers of connections (nf_conntrack), over netlink (linux/netfilter/nfnetlink_conntrack.h). */
#pragma once

#include "net/endpoint.h"

/*
 * Who sends to a published UDP port of the endpoint is looked up anew: UDP has no end, so that whoever goes on sending
 * would be led where the port led before, to an address that may be somebody else's by now. To be called when the rules
 * have changed. It changes nothing for others: as long as the port is held, all that comes for it is the endpoint's.
 * Best effort.
 */
void conntrack_forget_udp(const struct endpoint *e);
