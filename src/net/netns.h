/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces (network_namespaces(7)) by descriptors. */
#pragma once

#include "base/error.h"

/*
 * A new one. This process, which has one thread, steps into it and back (5 us; a child that passes it back would take
 * 150), and leaves a socket of the protocol in it for who wants one: *ret_netlink, NULL for none.
 */
struct netlink;
int netns_make(struct netlink *ret_netlink, struct error *err);

/* A new one that belongs to a user namespace: made by a child. */
int netns_make_in(int user_ns, struct error *err);

/* A netlink socket inside a namespace that is there. */
int netns_netlink(int netns, struct netlink *ret, struct error *err);

/* Calls work() inside and comes back. What work() returns is the result. */
int netns_do(int netns, int (*work)(void *userdata, struct error *err), void *userdata, struct error *err);
