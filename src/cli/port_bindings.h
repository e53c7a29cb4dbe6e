/* SPDX-License-Identifier: Apache-2.0 */
/* What --publish said, as Docker's inspect shows it. */
#pragma once

#include "base/json.h"

/* Writes the member PortBindings: "80/tcp" -> [{ HostIp, HostPort }]. publish: NULL-terminated, or NULL. */
void port_bindings_write(struct json_writer *w, const char *const *publish);
