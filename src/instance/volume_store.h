/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named volumes: ROOT/volumes/NAME/_data is what they hold, ROOT/volumes/NAME/config (JSON) what is known of them. One
 * is complete when it has its config.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "instance/instance.h"

struct volume_info {
        char *name, *path;         /* path: of _data */
        int64_t created;           /* seconds since 1970 */
        bool anonymous;            /* made for one instance, by 64 digits of its own */
        const char *const *labels; /* "NAME=VALUE", NULL-terminated; NULL */
};

void volume_info_finish(struct volume_info *v);
#define own_volume_info __attribute__((cleanup(volume_info_finish)))

/* -EEXIST: it is there, *ret is filled all the same. name NULL: an anonymous one. */
int volume_create(struct engine *e, const char *name, const char *const *labels, struct volume_info *ret,
                  struct error *err);
int volume_find(struct engine *e, const char *name, struct volume_info *ret, struct error *err);
int volume_each(struct engine *e, int (*each)(void *userdata, const struct volume_info *v), void *userdata,
                struct error *err);
/* -EBUSY names the instance that has it. */
int volume_remove(struct engine *e, const char *name, bool force, struct error *err);

/*
 * For a start: what of the instance's --volume, --mount, --volumes-from and of its image's volumes are named or
 * anonymous volumes is made, if it is not there, and filled from the image's directory if it is empty (root: the
 * image's root file system; nocopy keeps it from that).
 */
int instance_volumes_prepare(struct engine *e, struct instance *i, int root, struct error *err);

/* At the instance's end: its anonymous volumes. */
int instance_volumes_remove(struct engine *e, struct instance *i, struct error *err);
