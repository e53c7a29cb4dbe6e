/* SPDX-License-Identifier: Apache-2.0 */
/* "INSTANCE/SNAPSHOT" */
#pragma once

#include "cli/invocation.h"
#include "instance/instance.h"

/*
 * Finds the instance that text begins with, and the name of the snapshot: behind the slash, or `other` (NULL: none).
 * Both of them are -EMISUSED. *ret_snapshot is malloc'ed; NULL: none was said.
 */
int snapshot_name_find(struct engine *e, const char *text, const char *other, struct instance **ret,
                       char **ret_snapshot, struct error *err);
