/* SPDX-License-Identifier: Apache-2.0 */
/* Which volumes a list or a prune means: --filter in Docker's words. */
#pragma once

#include "cli/args.h"
#include "cli/filter.h"
#include "instance/volume_store.h"

/* known: the keys that the command takes of dangling, driver, label and name, NULL-terminated. */
int volume_filter_open(struct filters *f, const struct args *a, unsigned option, const char *const *known,
                       struct error *err);

/* 1: it fits, 0, or an error. Of several values of a key one is enough, but all labels have to be there. */
int volume_filter_matches(const struct filters *f, struct engine *e, const struct volume_info *v, struct error *err);
