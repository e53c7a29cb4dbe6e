/* SPDX-License-Identifier: Apache-2.0 */
/* hosts, hostname and resolv.conf, which an instance has from us. */
#pragma once

#include "base/error.h"
#include "instance/instance.h"
#include "instance/instance_network.h"

int instance_files_write(struct instance *i, const char *hostname, const struct instance_network *network,
                         struct error *err);
