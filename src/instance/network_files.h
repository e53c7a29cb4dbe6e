/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance's /etc/hosts and /etc/resolv.conf say of its network. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "instance/options.h"
#include "net/endpoint.h"

/* endpoint: NULL for one without addresses of its own. gateway: what "host-gateway" stands for. -EINVAL for --add-host.
 */
int network_hosts_write(const struct instance_options *o, const char *hostname, const struct endpoint *endpoint,
                        const struct ip *gateway, struct buf *out, struct error *err);

/* own_names: holt-dns is asked, who knows the names of instances, and whom else to ask; else whom --dns says, or whom
 * the host asks. */
int network_resolv_write(const struct instance_options *o, bool own_names, struct buf *out, struct error *err);
