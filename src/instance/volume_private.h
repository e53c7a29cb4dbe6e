/* SPDX-License-Identifier: Apache-2.0 */
/* Private to volume_store.c, volume_fill.c and volume_remove.c. */
#pragma once

#include "instance/volume_store.h"

#define VOLUME_DATA "_data"
#define VOLUME_CONFIG "config"
#define VOLUME_FILLING "filling"

/* Never fails. action: Docker's. */
void volume_tell(struct engine *e, const char *action, const char *name);

/* A descriptor, or -errno. */
int volume_open_directory(int dir, const char *name);
/* ROOT/volumes, made if it is missing. */
int volume_open_all(const struct engine *e, struct error *err);
/* The volume's directory, locked; make: made if it is missing. -ENOENT. */
int volume_lock(int dir, const char *name, bool make, struct error *err);

/* Whether the name is still that of this directory. */
bool volume_is_still(int dir, const char *name, int fd);
/* Removes what a killed command left of one that it made or removed, unless somebody is still at it. */
void volume_sweep(struct engine *e, int dir, const char *name);

/* Of a locked one, by its directory. */
bool volume_is_complete(int fd);
int volume_complete(int fd, const char *name, bool anonymous, const char *const *labels,
                    const struct volume_driver *driver, struct error *err);
/* What is known of it. -ENOENT: it is not complete. */
int volume_read_info(const struct engine *e, int fd, const char *name, struct volume_info *ret, struct error *err);
