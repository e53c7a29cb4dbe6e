/* SPDX-License-Identifier: Apache-2.0 */
/* run --explain, create --explain: what would be done, for people. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "cli/invocation.h"
#include "cli/table.h"

/* Appends lines that tell what the configuration of the runtime-spec makes of a container. has_own_users: it will have a
 * user namespace that is not made before it starts. */
int explain_config(const struct buf *config, bool has_own_users, struct buf *out, struct error *err);

/* "Name:" and what it is, in two columns; nothing for no text. */
void explain_say(struct table *t, const char *name, const struct buf *text);

/* The command line of `run` or `create` as it would be done: prints that, and nothing else is done. */
int explain_instance(struct invocation *inv, struct error *err);
