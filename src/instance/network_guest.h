/* SPDX-License-Identifier: Apache-2.0 */
/* Private to instance/: a network as a machine is told of it. */
#pragma once

#include "base/buf.h"
#include "net/endpoint.h"
#include "net/network.h"

/* "interfaces" of agent/guest_config.h, as JSON. */
void network_guest_write(const struct network *n, const struct endpoint_network *e, struct buf *out);
