/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named volumes: ROOT/volumes/NAME/_data is what they hold, ROOT/volumes/NAME/config (JSON) what is known of them. One
 * is complete when it has its config, and is nobody's as soon as it has lost it; whoever makes, fills or removes one
 * has its directory locked (flock). ROOT/volumes/NAME/filling is there while it is filled: what a killed one has put
 * into it is taken out again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "instance/instance.h"
#include "instance/volume_mount.h"

struct volume_info {
        const char *name, *path;   /* path: of _data */
        int64_t created;           /* seconds since 1970 */
        bool anonymous;            /* made for one instance, by 64 digits of its own */
        const char *const *labels; /* "NAME=VALUE", NULL-terminated; NULL */
        struct volume_driver driver;
        struct arena arena; /* owns them */
};

void volume_info_finish(struct volume_info *v);
#define own_volume_info __attribute__((cleanup(volume_info_finish)))

/* Docker's: a letter or digit, then letters, digits and "_.-"; at least two. -EINVAL. */
int volume_check_name(const char *name, struct error *err);

/* -EEXIST: it is there, *ret is filled all the same. name NULL: an anonymous one. driver NULL: a directory of ours. */
int volume_create(struct engine *e, const char *name, const char *const *labels, const struct volume_driver *driver,
                  struct volume_info *ret, struct error *err);
/* -ENOENT: "no such volume: X" */
int volume_find(struct engine *e, const char *name, struct volume_info *ret, struct error *err);
/* Sorted by name; *v lives during the call. */
int volume_each(struct engine *e, int (*each)(void *userdata, const struct volume_info *v), void *userdata,
                struct error *err);
/* Whether an instance has it: 1, 0 or an error. */
int volume_is_used(struct engine *e, const char *name, struct error *err);
/* -EBUSY names the instance that has it. force: one that is not there is no error. */
int volume_remove(struct engine *e, const char *name, bool force, struct error *err);

/* An anonymous one that is to be made when it is needed: its name. */
int volume_invent_name(char ret[INSTANCE_ID_LEN + 1], struct error *err);

/*
 * Makes the volume if it is missing, and fills it with what is in the directory `from` (-1: with nothing), if it is
 * empty: owners, modes, links and holes included, of the directory itself as well.
 */
int volume_provide(struct engine *e, const char *name, bool anonymous, int from, struct error *err);

/* Mounts one that has options of a driver; nothing to do for others. */
int volume_mount(struct engine *e, const char *name, struct error *err);

/*
 * For a start: what of the instance's --volume, --mount, --volumes-from and of its image's volumes are named or
 * anonymous volumes is made, if it is not there, and filled from the image's directory if it is empty (root: the
 * image's root file system; nocopy keeps it from that).
 */
int instance_volumes_prepare(struct engine *e, struct instance *i, int root, struct error *err);

/* At the instance's end: its anonymous volumes. Those that others have as well stay. */
int instance_volumes_remove(struct engine *e, struct instance *i, struct error *err);
/* Which these are, until each() returns a negative number. */
int instance_volumes_look(struct engine *e, struct instance *i, int (*each)(void *userdata, const char *name),
                          void *userdata, struct error *err);
