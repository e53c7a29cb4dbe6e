/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a machine's network interface on the host (Linux Documentation/networking/tuntap.rst). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "sys/netlink.h"

/* Makes the interface in the network namespace in which we are; it is not up. See tap_make(). */
int tap_open(const char *name, struct error *err);

/*
 * Whether the interface outlives its last descriptor: until its namespace goes, which nobody waits for. Who closes the last
 * one of another waits for an RCU barrier (Linux net/core/dev.c, netdev_run_todo), 20 ms and more. 0 or -errno.
 */
int tap_persist(int tap, bool persists);

/* Into the network namespace of a process, with which it goes from now on. */
int tap_send_away(int tap, pid_t pid, struct error *err);

/* As long as virtio 1 has that header (virtio spec 1.2, 5.1.6): who takes the interface over does not set it. 0 or -errno. */
int tap_use_modern_header(int tap);

/*
 * Makes the interface and plugs it into the bridge. Returns the descriptor over which frames come and go, each with a
 * header of virtio-net: the interface goes with its last copy. mtu 0: the usual. -EEXIST: the name is taken.
 */
int tap_make(struct netlink *n, const char *name, unsigned bridge, unsigned mtu, struct error *err);
