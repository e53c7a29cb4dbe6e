/* SPDX-License-Identifier: Apache-2.0 */
/* Private to instance_mounts*.c. */
#pragma once

#include "instance/instance_mounts.h"
#include "instance/mount_words.h"

#define INSTANCE_MOUNTS_FILE "volumes"

bool instance_mounts_has(const struct instance_mounts *m, const char *destination);
/* The strings are copied. -EINVAL: something is mounted there already. */
int instance_mounts_add(struct instance_mounts *m, struct instance_mount item, struct error *err);

/* Calls each() with what -v and --mount say. */
int instance_mounts_words(const struct instance_options *o,
                          int (*each)(void *userdata, const struct mount_words *w, struct error *err), void *userdata,
                          struct error *err);
